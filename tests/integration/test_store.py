"""The store of a real build: what a collection leaves, shards that are kept once, damage that is mended.

The workspace is the cheap one, with a training that writes two shards, of which the learning rate changes
one, and a checkpoint on the way.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.cli.main import main
from tests.integration import forked
from tests.integration.cheap import KINDS, make_workspace, outputs
from tests.integration.kills import REPOSITORY, store_problems

CONFIG = "projects/run/templates/configs/run.yaml"
OUTPUT = "projects/run/output_models/cheap"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
TRAINER = '''
import json as _json
import os as _os


def _save(folder, shards):
    """Whole checkpoints in new files, as a trainer publishes them."""
    aside = folder.with_name(f".new-{folder.name}")
    aside.mkdir(parents=True)
    for name, text in shards.items():
        (aside / name).write_text(text)
    index = {"weight_map": {str(n): name for n, name in enumerate(shards)}}
    (aside / "model.safetensors.index.json").write_text(_json.dumps(index))
    folder.exists() and __import__("shutil").rmtree(folder)
    _os.rename(aside, folder)


class Script(Script):
    def run(self):
        super().run()
        args = self.trainer.args
        for step in (3, 5):
            head = f"{self.trainer.weights()} after {step}"
            shards = dict(zip(SHARDS, ("embedding" * 1000, head)))
            _save(Path(args.output_dir) / f"checkpoint-{step}", shards)
'''


class Space:
    """A workspace and the cache of its user, side by side; the first copy is built once."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.root = top / "ws"
        self.cache = top / "cache"

    @property
    def store(self) -> Path:
        return self.root / "build" / "store"

    def doit(self, *arguments: str) -> forked.Outcome:
        environment = {"FORGATHER_CACHE_DIR": str(self.cache)}
        return forked.doit(self.root, *(arguments or KINDS), environment=environment)

    def built(self) -> forked.Outcome:
        done = self.doit()
        assert done.code == 0, done.output
        return done

    def learn(self, old: str, new: str) -> None:
        path = self.root / CONFIG
        text = path.read_text()
        assert f"lr: {old}\n" in text
        path.write_text(text.replace(f"lr: {old}\n", f"lr: {new}\n"))

    def shard(self, number: int, folder: str = "checkpoint-5") -> Path:
        return self.root / OUTPUT / folder / SHARDS[number]


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    forked.warm()
    space = Space(tmp_path_factory.mktemp("first"))
    make_workspace(space.root)
    with open(space.root / "code" / "cheap_trainer.py", "a") as stream:
        stream.write(f"\nSHARDS = {SHARDS!r}\n{TRAINER}")
    space.built()
    return space


@pytest.fixture
def space(first, tmp_path, monkeypatch):
    """A copy, with the links between its files."""
    subprocess.run(["cp", "-a", f"{first.top}/.", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path / "ws")
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    found = Space(tmp_path)
    found.built()  # it lies elsewhere now, and remembered stats do not hold
    return found


@pytest.fixture
def forgather(capsys):
    def run(*arguments: str) -> tuple[int, str]:
        code = main(list(arguments))
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return run


def inode(path: Path) -> int:
    return path.stat().st_ino


# collecting


def test_nothing_is_garbage_after_a_build(space, forgather):
    before = {
        path for folder in ("ac", "cas", "sources") for path in (space.store / folder).iterdir()
    }
    code, told = forgather("store", "gc")
    assert code == 0 and "removed 0 entries and 0 blobs" in told
    assert all(path.exists() for path in before)
    assert not space.doit().made


def test_what_a_config_was_goes_and_can_be_built_again(space, forgather):
    now = outputs(space.root)
    space.learn("1.0e-3", "2.0e-3")
    shutil.rmtree(space.root / OUTPUT)
    space.built()
    entries = len(list((space.store / "ac").iterdir()))
    code, _told = forgather("store", "gc")
    assert code == 0
    gone = entries - len(list((space.store / "ac").iterdir()))
    assert gone == 1, "the training; why it was made again is told by the config as it was"
    assert not list(store_problems(space.top))
    assert not space.doit().made
    shutil.rmtree(space.cache)
    space.learn("2.0e-3", "1.0e-3")
    shutil.rmtree(space.root / OUTPUT)
    assert "train:run" in space.built().built
    assert outputs(space.root) == now


def test_a_config_that_was_only_looked_at_is_kept_while_it_is_as_it_is(space, forgather):
    """It has no record; the store has its compiled form, and finds it."""
    second = space.root / "projects/plain/templates/configs/fourth.yaml"
    second.write_text((second.parent / "second.yaml").read_text())
    assert space.doit("list", "--all").code == 0
    entries = sorted((space.store / "ac").iterdir())
    forgather("store", "gc")
    assert sorted((space.store / "ac").iterdir()) == entries
    second.write_text(second.read_text() + "# edited\n")
    forgather("store", "gc")
    assert len(list((space.store / "ac").iterdir())) == len(entries) - 2


def test_what_configs_left_that_are_gone_goes_when_it_is_asked_for(space, forgather):
    second = space.root / "projects/plain/templates/configs/second.yaml"
    variant = "pp:plain/second@size=3"
    assert space.doit(variant).code == 0
    expected = outputs(space.root)
    text = second.read_text()
    second.unlink()
    shutil.move(space.root / "projects/run", space.top / "run")
    assert space.doit("pp", "graph").code == 0
    places = [space.root / "build" / name for name in ("plain/second", "run")]
    assert all(path.is_dir() for path in places)

    code, told = forgather("store", "gc")
    assert code == 0 and "no longer there" not in told
    entries = len(list((space.store / "ac").iterdir()))
    code, told = forgather("store", "gc", "--gone", "--dry-run")
    assert code == 0 and all(path.is_dir() for path in places)
    assert "of 3 configs that are no longer there" in told
    would = [
        line.replace("would remove", "removed") for line in told.splitlines() if "entr" in line
    ]
    code, told = forgather("store", "gc", "--gone")
    assert code == 0 and would == [line for line in told.splitlines() if "entr" in line]
    listed = [line.strip() for line in told.splitlines() if line.startswith("    ")]
    assert listed[:3] == ["plain/second", "plain/second@size=3", "run"]
    assert not any(path.exists() for path in places)
    assert len(list((space.store / "ac").iterdir())) < entries
    assert not space.doit("pp", "graph", "model", "tokenizer").made

    second.write_text(text)
    shutil.move(space.top / "run", space.root / "projects/run")
    shutil.rmtree(space.cache)
    assert "train:run" in space.built().made
    assert space.doit(variant).code == 0
    assert outputs(space.root) == expected
    code, told = forgather("store", "gc", "--gone")
    assert code == 0 and "forgot 0 tasks of 0 configs" in told
    assert outputs(space.root) == expected


def test_an_id_that_another_config_has_now_is_not_gone(space, forgather):
    meta = space.root / "projects/plain/meta.yaml"
    text = meta.read_text()
    assert 'default_config: "plain.yaml"' in text
    meta.write_text(text.replace('default_config: "plain.yaml"', 'default_config: "second.yaml"'))
    code, told = forgather("store", "gc", "--gone")
    assert code == 0 and "forgot 0 tasks of 0 configs" in told, told
    assert (space.root / "build/plain/graph.json").exists()


def test_what_is_broken_is_not_gone_and_a_training_stays(space, forgather):
    config = space.root / CONFIG
    config.write_text("-- extends 'nosuch.yaml'\n")
    (space.root / "projects/plain/meta.yaml").write_text("{{ broken\n")
    code, told = forgather("store", "gc", "--gone")
    assert code == 0 and "forgot 0 tasks" in told, told
    (space.root / "projects/run/meta.yaml").unlink()
    weights = space.shard(1).read_bytes()
    code, told = forgather("store", "gc", "--gone")
    assert code == 0 and "\n    run\n" in told, told
    assert space.shard(1).read_bytes() == weights
    assert not list(store_problems(space.top))
    assert forgather("provenance", str(space.root / OUTPUT))[0] == 0


def test_collections_in_the_middle_of_builds(space):
    """Two checkouts build with edits, and two processes collect all the while."""
    expected = outputs(space.root)
    collect = (
        "import sys, time\n"
        "from forgather.cli.main import main\n"
        "while True:\n"
        "    main(['store', 'gc'])\n"
        "    main(['store', 'gc', '--cache', '--older-than', '0s'])\n"
    )
    collectors = [
        subprocess.Popen(
            [sys.executable, "-c", collect],
            cwd=space.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    try:
        for number in range(6):
            space.learn("1.0e-3", "2.0e-3")
            done = space.doit()
            assert done.code == 0, done.output
            space.learn("2.0e-3", "1.0e-3")
            if number % 2:
                shutil.rmtree(space.root / OUTPUT)
            done = space.doit()
            assert done.code == 0, done.output
            now = outputs(space.root)
            assert now == {name: expected[name] for name in expected if name in now}
            assert len(expected) - len(now) in (0, 3), "a checkpoint on the way is not stored"
        for one in collectors:
            assert one.poll() is None, one.stderr.read().decode()
    finally:
        for one in collectors:
            one.kill()
            one.communicate()
    assert not list(store_problems(space.top))


# shards


def test_shards_that_did_not_change_share_their_bytes(space):
    embedding, head = (inode(space.shard(number)) for number in (0, 1))
    assert inode(space.shard(0, "checkpoint-3")) == embedding
    assert inode(space.shard(1, "checkpoint-3")) != head
    for store in (space.store, space.cache):
        assert {embedding, head} <= {inode(path) for path in (store / "cas").iterdir()}
    space.learn("1.0e-3", "2.0e-3")
    space.built()
    (earlier,) = (space.root / OUTPUT / "earlier").iterdir()
    places = [space.shard(0), space.shard(0, "checkpoint-3")]
    places += [earlier / "checkpoint-5" / SHARDS[0], earlier / "checkpoint-3" / SHARDS[0]]
    assert {inode(path) for path in places} == {embedding}
    assert inode(earlier / "checkpoint-5" / SHARDS[1]) == head != inode(space.shard(1))
    assert places[0].stat().st_nlink == len(places) + 2, "and the two stores"


def test_shards_stay_while_a_run_has_them_and_are_freed_afterwards(space, forgather):
    first = {number: space.shard(number).read_bytes() for number in (0, 1)}
    blobs = {path.read_bytes(): path for path in (space.store / "cas").iterdir()}
    space.learn("1.0e-3", "2.0e-3")
    space.built()
    forgather("store", "gc")
    assert blobs[first[0]].exists() and blobs[first[1]].exists(), "the run was set aside"
    shutil.rmtree(space.root / OUTPUT / "earlier")
    _code, told = forgather("store", "gc")
    assert blobs[first[0]].exists(), "the other run has it, too"
    assert not blobs[first[1]].exists()
    assert "more stay on the disk under other names" in told, "the user's cache has it"
    forgather("store", "gc", "--cache", "--older-than", "0s")
    assert not (space.cache / "cas" / blobs[first[1]].name).exists()
    assert space.shard(0).read_bytes() == first[0]
    assert not space.doit().made


def test_a_training_that_comes_back_from_the_store_shares_its_bytes_again(space):
    shutil.rmtree(space.root / OUTPUT)
    assert space.built().how("restored") == {"train:run"}
    blobs = {inode(path) for path in (space.store / "cas").iterdir()}
    assert {inode(space.shard(0)), inode(space.shard(1))} <= blobs


def test_weights_that_are_gone_are_not_replaced_by_an_earlier_checkpoint(space):
    """Neither from the store nor, without it, as the end of a training that they are not."""
    expected = space.shard(1).read_bytes()
    shutil.rmtree(space.root / OUTPUT / "checkpoint-5")
    assert space.built().how("restored") == {"train:run"}
    assert space.shard(1).read_bytes() == expected
    shutil.rmtree(space.root / OUTPUT / "checkpoint-5")
    for store in (space.store, space.cache):
        shutil.rmtree(store / "ac")
    assert "train:run" in space.built().built
    assert space.shard(1).read_bytes() == expected
    assert json.loads((space.root / OUTPUT / "training.json").read_text())["status"] == "done"


# damage


def entry_of(space: Space, task: str) -> Path:
    for path in (space.store / "ac").iterdir():
        if json.loads(path.read_text())["provenance"].get("task") == task:
            return path
    raise AssertionError(task)


def blob_of(space: Space, task: str) -> Path:
    output = next(iter(json.loads(entry_of(space, task).read_text())["outputs"].values()))
    return space.store / "cas" / output["digest"]


def alter(path: Path) -> Path:
    """Other bytes of the same length, and dates, as a disk loses bits; in a file of its own."""
    stat, data = path.stat(), path.read_bytes()
    path.unlink()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return path


def truncate(path: Path) -> Path:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data[: len(data) // 2])
    return path


def remove(path: Path) -> Path:
    path.unlink()
    return path


@pytest.mark.parametrize(
    ("damage", "task", "then"),
    [
        (lambda s: alter(blob_of(s, "model:net")), "model:net", "makes it again"),
        (lambda s: truncate(blob_of(s, "tokenizer:vocab")), "tokenizer:vocab", "makes it again"),
        (lambda s: truncate(entry_of(s, "model:net")), None, "makes it again"),
        (lambda s: alter(s.root / "build/net/model/config.json"), "model:net", "puts it back"),
        (lambda s: remove(s.root / "build/plain/graph.json"), "graph:plain", "puts it back"),
        (lambda s: truncate(s.shard(1)), "train:run", "puts it back"),
        (lambda s: remove(s.shard(1)), "train:run", "puts it back"),
    ],
    ids=["blob", "short blob", "entry", "artifact", "no artifact", "weights", "no weights"],
)
def test_damage_is_named_and_mended(space, forgather, damage, task, then):
    expected = outputs(space.root)
    path = damage(space)
    code, told = forgather("store", "verify")
    line = next(line for line in told.splitlines() if line.startswith(str(path)))
    assert code == 1 and "error[FG632]: one problem in" in told
    assert then in line and (task is None or f"({task}" in line or f", {task}" in line)
    code, told = forgather("store", "verify", "--repair")
    assert code == 0, told
    space.built()
    assert outputs(space.root) == expected
    assert not list(store_problems(space.top))
    code, told = forgather("store", "verify")
    assert code == 0, told


def test_a_blob_that_is_missing_is_put_back_from_what_was_published(space, forgather):
    path = blob_of(space, "model:net")
    path.unlink()
    shutil.rmtree(space.cache)
    code, told = forgather("store", "verify")
    assert code == 1
    assert f"{entry_of(space, 'model:net')} (model:net): the blob of its" in told
    code, told = forgather("store", "verify", "--repair")
    assert code == 0 and f"put back {path}" in told
    assert path.exists() and not list(store_problems(space.top))


def test_what_nothing_can_put_back_is_removed_and_made_again(space, forgather):
    """The blob is damaged, and so is the artifact that was made from it."""
    expected = outputs(space.root)
    path = blob_of(space, "model:net")
    data = path.read_bytes()
    shutil.rmtree(space.cache)
    alter(path)
    for published in (space.root / "build/net/model").iterdir():
        if published.read_bytes() == data:
            truncate(published)
    code, told = forgather("store", "verify")
    assert code == 1 and "the next build of model:net makes it again" in told
    code, told = forgather("store", "verify", "--repair")
    assert code == 0 and f"removed {path}" in told
    assert not list(store_problems(space.top))
    assert "model:net" in space.built().built
    assert outputs(space.root) == expected


def test_the_cache_is_verified_by_itself(space, forgather):
    code, told = forgather("store", "verify", "--cache")
    assert code == 0, told
    path = truncate(next((space.cache / "cas").iterdir()))
    code, told = forgather("store", "verify", "--cache")
    assert code == 1 and str(path) in told
    code, told = forgather("store", "verify", "--cache", "--repair")
    assert code == 0 and f"removed {path}" in told
    assert not list(store_problems(space.cache))
