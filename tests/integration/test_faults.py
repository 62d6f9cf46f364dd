"""Disks that are full, files that cannot be read or are not what they were: every fault is named or healed.

Whatever happens, a build ends with the right result or with a message, never with a traceback, and once
the fault is gone the same command gives what a build from nothing gives.

Long because each fault is a few lines, and one list of them is easier to check for gaps than five.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration import forked
from tests.integration.cheap import KINDS, copy_sources, make_workspace, outputs
from tests.integration.kills import REPOSITORY, store_problems

CONFIG = "projects/plain/templates/configs/plain.yaml"
WEIGHTS = "projects/run/output_models/cheap/checkpoint-5/model.safetensors"
IS_ROOT = os.geteuid() == 0


class Space:
    """A workspace, its cache, and what its outputs must be."""

    def __init__(self, folder: Path, expected: dict[str, bytes] | None = None) -> None:
        self.root = make_workspace(folder / "ws")
        self.cache = folder / "cache"
        self.expected = expected or {}

    def doit(self, *arguments: str, **variables: str) -> forked.Outcome:
        environment = {"FORGATHER_CACHE_DIR": str(self.cache), **variables}
        return forked.doit(self.root, *(arguments or KINDS), environment=environment)

    def named_or_right(self, *words: str, **variables: str) -> forked.Outcome:
        """Build: it gives the right result, or a message with one of the words."""
        done = self.doit(**variables)
        assert "Traceback" not in done.output, done.output
        if done.code == 0:
            self.check()
        else:
            assert any(word in done.output for word in words), done.output
        return done

    def right(self) -> forked.Outcome:
        done = self.doit()
        assert done.code == 0, done.output
        self.check()
        return done

    def check(self) -> None:
        """Every output is as it must be; the names of those that are not are shown."""
        now = outputs(self.root)
        both = sorted(now.keys() | self.expected.keys())
        assert not [name for name in both if now.get(name) != self.expected.get(name)]

    def forget_all_but_the_stores(self) -> None:
        for path in (self.root / "build").iterdir():
            if path.name != "store":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self.root.glob("projects/*/output_models"):
            shutil.rmtree(path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    forked.warm()
    space = Space(tmp_path_factory.mktemp("expected"))
    assert space.doit().code == 0
    return outputs(space.root)


@pytest.fixture
def space(tmp_path, expected):
    return Space(tmp_path, expected)


@pytest.fixture
def built(space):
    space.right()
    return space


def real_doit(space: Space, *arguments: str, before: tuple[str, ...] = (), **options):
    """A real process; ``before``: a program that starts it."""
    environment = {
        **os.environ,
        "FORGATHER_CACHE_DIR": str(space.cache),
        "PYTHONPATH": str(REPOSITORY),
    }
    return subprocess.run(
        [*before, sys.executable, "-m", "tests.integration.forked", "/dev/null", *arguments],
        cwd=space.root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


# -- disks


@pytest.fixture
def small_disk(space):
    """``build/`` is a file system of its own; resize(kilobytes) changes how much fits."""
    build = space.root / "build"
    build.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(build)]
    if not IS_ROOT or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted by root only")

    def resize(kilobytes: int) -> None:
        subprocess.run(
            ["mount", "-o", f"remount,size={kilobytes}k", str(build)],
            check=True,
            capture_output=True,
        )

    yield resize
    subprocess.run(["umount", "-l", str(build)], check=True)


def test_a_full_disk_is_named_and_nothing_finished_is_lost(space, small_disk):
    finished: dict[str, str] = {}
    full = 0
    for size in range(64, 4000, 120):
        small_disk(size)
        done = space.named_or_right("No space left", "disk is full", "database or disk is full")
        again = {task for task in done.built if finished.get(task) == done.notes[task]["inputs"]}
        assert not again, "made before the disk was full, and made again"
        finished |= {task: done.notes[task]["inputs"] for task in done.built}
        if done.code == 0:
            break
        full += 1
    assert done.code == 0 and full >= 3, (full, done.output)
    assert not list(store_problems(space.root / "build"))


@pytest.mark.parametrize("limit", [0, 100, 400, 2000, 9000])
def test_files_that_may_not_grow_are_named(built, limit):
    """Like a quota: writing beyond a size fails in the middle of a file."""
    text = (built.root / CONFIG).read_text()
    (built.root / CONFIG).write_text(text.replace("default(3)", "default(4)"))
    code = (
        "import resource, runpy, sys; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {resource.RLIM_INFINITY})); "
        "sys.argv[0] = 'doit'; runpy.run_module('doit', run_name='__main__')"  # in one process
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "pp:plain", "graph:plain"],
        cwd=built.root,
        env={**os.environ, "FORGATHER_CACHE_DIR": str(built.cache), "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert "Traceback" not in done.stdout, done.stdout
    if done.returncode:
        assert "too large" in done.stdout or "disk" in done.stdout, done.stdout
    (built.root / CONFIG).write_text(text)
    assert not built.right().built


@pytest.mark.parametrize("what", ["filled", "filled in part", "new"])
def test_a_cache_that_cannot_be_written_to_stops_nothing(space, tmp_path, what):
    if what != "new":
        other = Space(tmp_path / "other", space.expected)
        other.cache = space.cache
        assert other.doit(*(["pp", "graph"] if what == "filled in part" else KINDS)).code == 0
    space.cache.mkdir(exist_ok=True)
    folders = [space.cache, *(path for path in space.cache.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        done = real_doit(space, *KINDS, before=obedient())
    finally:
        for path in folders:
            path.chmod(0o755)
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert text.count(f"put into the cache {space.cache}") == (what != "filled")
    assert outputs(space.root) == space.expected


def test_a_cache_in_the_place_of_which_a_file_stands_stops_nothing(space):
    space.cache.write_text("no folder")
    space.named_or_right(str(space.cache))


# -- files that cannot be read


def obedient() -> tuple[str, ...]:
    """What makes root keep to permissions as everybody does."""
    if not IS_ROOT:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.mark.parametrize(
    "name",
    [
        CONFIG,
        "lib/common/values.yaml",
        "projects/plain/meta.yaml",
        "code/casing.py",
        "shapes/square.py",
        "data/one.txt",
    ],
)
def test_a_file_that_cannot_be_read_is_named(built, name):
    path = built.root / name
    path.chmod(0)
    try:
        done = real_doit(built, "--continue", *KINDS, before=obedient())
    finally:
        path.chmod(0o644)
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    if done.returncode:
        assert Path(name).name in text and ("ermission" in text or "cannot" in text), text
    assert not built.right().built


# -- clocks


@pytest.mark.parametrize("shift", [-400 * 86400, 400 * 86400], ids=["past", "future"])
def test_dates_of_another_time_change_nothing(built, shift):
    now = time.time() + shift
    for path in built.root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.utime(path, (now, now))
    assert not built.right().built
    path = built.root / CONFIG
    text = path.read_text()
    path.write_text(text.replace("default(3)", "default(5)"))
    os.utime(path, (now, now))
    assert built.doit().built == {"pp:plain", "graph:plain"}
    path.write_text(text)
    os.utime(path, (now, now))
    assert not built.right().built


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed")
def test_a_clock_that_is_set_back_hides_no_edit(built):
    path = built.root / CONFIG
    text = path.read_text()
    for number, shift in enumerate(("+2d", "-2d", "+1h", "-1y")):
        path.write_text(text.replace("default(3)", f"default({number + 4})"))
        done = real_doit(built, "pp:plain", before=("faketime", "-f", shift))
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"size: {number + 4}" in (built.root / "build/plain/config.yaml").read_text()
    path.write_text(text)
    assert not built.right().built


# -- stores


def stores(space: Space) -> dict[str, Path]:
    """The folders that hold ``ac`` and ``cas``: the checkout's and the user's."""
    found = {"local": space.root / "build" / "store"}
    shared = next(space.cache.rglob("ac"), None)
    if shared is not None:
        found["shared"] = shared.parent
    return found


def poison_entry(how: str, path: Path, others: list[Path]) -> None:
    text = path.read_text()
    path.unlink()
    if how == "truncated":
        path.write_text(text[: len(text) // 2])
    elif how == "empty":
        path.touch()
    elif how == "a list":
        path.write_text("[1, 2]")
    elif how == "wrong types":
        path.write_text(json.dumps({key: [] for key in json.loads(text)}))
    elif how == "not UTF-8":
        path.write_bytes(b"\xff\xfe\0")
    elif how == "of another key":
        other = next(each for each in others if each != path and each.exists())
        path.write_bytes(other.read_bytes())
    elif how == "blobs that are not there":
        for sha in digests_in(json.loads(text)):
            text = text.replace(sha, "0" * 64)
        path.write_text(text)
    elif how == "a folder":
        path.mkdir()
    elif how == "nested deeply":
        path.write_text("[" * 100_000)


def digests_in(data: dict) -> list[str]:
    files = data.get("files") or {
        name: output["digest"] for name, output in data["outputs"].items()
    }
    return list(files.values())


@pytest.mark.parametrize("place", ["local", "shared"])
@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "empty",
        "a list",
        "wrong types",
        "not UTF-8",
        "of another key",
        "blobs that are not there",
        "a folder",
        "nested deeply",
    ],
)
def test_poisoned_entries_do_no_harm(built, how, place):
    found = stores(built)
    if place not in found:
        pytest.skip("there is no cache of the user")
    entries = sorted((found[place] / "ac").iterdir())
    for path in entries:
        poison_entry(how, path, entries)
    built.forget_all_but_the_stores()
    if place == "shared":
        shutil.rmtree(found["local"])
    built.named_or_right("damaged", "entry")
    built.right()


def poison_blob(how: str, path: Path) -> None:
    data = path.read_bytes()
    path.chmod(0o644)
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "altered":
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:] if data else b"x")
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
        if how == "a folder":
            path.mkdir()
        elif how == "a link to nowhere":
            path.symlink_to("/nowhere")


@pytest.mark.parametrize("place", ["local", "shared"])
@pytest.mark.parametrize(
    "how", ["truncated", "altered", "empty", "missing", "a folder", "a link to nowhere"]
)
def test_poisoned_blobs_do_no_harm(built, how, place):
    found = stores(built)
    if place not in found:
        pytest.skip("there is no cache of the user")
    for path in sorted((found[place] / "cas").rglob("*")):
        if path.is_file():
            poison_blob(how, path)
    built.forget_all_but_the_stores()
    if place == "shared":
        shutil.rmtree(found["local"])
    built.right()


@pytest.mark.parametrize("name", ["../../../evil", "/tmp/forgather-evil", "a/../../../../evil"])
def test_an_entry_does_not_write_outside_of_its_artifact(built, name):
    for folder in stores(built).values():
        for path in (folder / "ac").iterdir():
            data = json.loads(path.read_text())
            for key in ("files", "outputs"):
                if key in data:
                    data[key] = dict.fromkeys([name], next(iter(data[key].values()), None))
            path.unlink()
            path.write_text(json.dumps(data))
    built.forget_all_but_the_stores()
    before = set(built.root.parent.rglob("*evil*"))
    built.named_or_right("damaged", "entry")
    assert set(built.root.parent.rglob("*evil*")) == before
    assert not Path("/tmp/forgather-evil").exists()
    built.right()


# -- what the build keeps beside the store


def databases(space: Space) -> list[Path]:
    return [path for path in (space.root / "build").rglob("*.sqlite") if path.is_file()]


@pytest.mark.parametrize("how", ["garbage", "truncated", "empty", "zeros", "of another kind"])
def test_a_damaged_database_is_healed_or_named(built, how):
    paths = databases(built)
    assert paths
    for path in paths:
        for beside in path.parent.glob(f"{path.name}-*"):
            beside.unlink()
        data = path.read_bytes()
        if how == "garbage":
            path.write_bytes(b"garbage " * 500)
        elif how == "truncated":
            path.write_bytes(data[: len(data) * 2 // 3])
        elif how == "empty":
            path.write_bytes(b"")
        elif how == "zeros":
            path.write_bytes(data[:100] + b"\0" * (len(data) - 100))
        else:
            path.unlink()
            with sqlite3.connect(path) as connection:
                connection.execute("create table something (else_ text)")
            connection.close()
    done = built.named_or_right(*(path.name for path in paths))
    if done.code != 0:
        for path in paths:
            for beside in path.parent.glob(f"{path.name}*"):
                beside.unlink()
    assert not built.right().built


# -- things in the way


IN_THE_WAY = [
    "build/plain",
    "build/plain/config.yaml",
    "build/corpus/dataset",
    "build/corpus/dataset/one.txt",
    "build/store",
    "build/store/ac",
    "build/store/cas",
    "build/locks",
    "projects/run/output_models",
    "projects/run/output_models/cheap",
    WEIGHTS,
]


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_a_file_in_place_of_a_folder_and_the_other_way_round(built, name):
    path = built.root / name
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("in the way")
    else:
        path.unlink(missing_ok=True)
        path.mkdir()
        (path / "in the way").touch()
    done = built.named_or_right(name, path.name)
    if done.code != 0:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    built.right()


def test_a_file_called_build(space):
    (space.root / "build").write_text("in the way")
    done = space.named_or_right("build")
    assert done.code != 0
    assert (space.root / "build").read_text() == "in the way"
    (space.root / "build").unlink()
    space.right()


# -- trained weights


@pytest.mark.parametrize("how", ["altered", "truncated", "deleted", "its folder is gone"])
def test_damaged_weights_are_noticed_and_mended(built, how):
    path = built.root / WEIGHTS
    data = path.read_bytes()
    if how == "altered":
        path.write_bytes(data[:-1] + b"?")
    elif how == "truncated":
        path.write_bytes(data[:-5])
    elif how == "deleted":
        path.unlink()
    else:
        shutil.rmtree(path.parent)
    done = built.right()
    assert "checkpoint-5" in done.output, "what was damaged is named"
    assert path.read_bytes() == data


# -- inputs that change while a step runs

HOOK = """
import os, pathlib, sys
folder = pathlib.Path({folder!r})
if what == {when!r} and not (folder / "done").exists():
    (folder / "done").touch()
    {action}
"""


def hook(tmp_path: Path, when: str, action: str) -> str:
    path = tmp_path / f"hook-{when}.py"
    folder = tmp_path / f"hook-{when}"
    folder.mkdir()
    path.write_text(HOOK.format(folder=str(folder), when=when, action=action))
    return str(path)


def clean_outputs(space: Space, tmp_path: Path) -> dict[str, bytes]:
    other = Space.__new__(Space)
    other.root = copy_sources(space.root, tmp_path / "clean")
    other.cache = tmp_path / "clean-cache"
    assert other.doit().code == 0
    return outputs(other.root)


@pytest.mark.parametrize("when", ["corpus", "corpus was read"])
def test_data_that_is_edited_while_it_is_read(space, tmp_path, when):
    path = space.root / "data" / "one.txt"
    action = f"pathlib.Path({str(path)!r}).write_text('edited meanwhile\\n')"
    done = space.doit(CHEAP_HOOK=hook(tmp_path, when, action))
    assert done.code == 0, done.output
    space.expected = clean_outputs(space, tmp_path)
    space.right()


def test_data_that_is_edited_and_put_back_while_it_is_read(space, tmp_path):
    """The text at the end is that of the start; what was read in between is not."""
    path = space.root / "data" / "one.txt"
    data = path.read_text()
    edit = f"pathlib.Path({str(path)!r}).write_text('edited meanwhile\\n')"
    back = f"pathlib.Path({str(path)!r}).write_text({data!r})"
    both = tmp_path / "both.py"
    first, second = hook(tmp_path, "corpus", edit), hook(tmp_path, "corpus was read", back)
    both.write_text(Path(first).read_text() + Path(second).read_text())
    done = space.doit(CHEAP_HOOK=str(both))
    assert done.code == 0, done.output
    space.right()


def test_code_that_is_edited_while_the_step_runs(space, tmp_path):
    path = space.root / "code" / "casing.py"
    action = f"p = pathlib.Path({str(path)!r}); p.write_text(p.read_text().replace('= 1', '= 9'))"
    done = space.doit(CHEAP_HOOK=hook(tmp_path, "corpus", action))
    assert done.code == 0, done.output
    space.expected = clean_outputs(space, tmp_path)
    space.right()
