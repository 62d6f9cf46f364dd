"""``forgather watch``: a real process, and saves as editors make them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.conftest import FILES, write

REPOSITORY = Path(__file__).parents[2]
SECONDS = 40  # until a line that must come is missed

BASE = "one/templates/base.yaml"
OTHER = "one/templates/configs/other.yaml"


class Watching:
    """A watch, and the lines that it has written so far."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.root = root
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "forgather.cli", "watch", "--interval", "0.05", *arguments],
            cwd=root,
            env={
                **os.environ,
                "FORGATHER_CACHE_DIR": str(root.with_name("cache")),
                "PYTHONPATH": str(REPOSITORY),
                "NO_COLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def until(self, *texts: str, after: int = 0) -> list[str]:
        """The lines from ``after`` on, once each of ``texts`` stands in one of them."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            new = self.lines[after:]
            if all(any(text in line for line in new) for text in texts):
                return new
            assert self._reader.is_alive() or self.process.poll() is None, self.lines
            time.sleep(0.01)
        raise AssertionError(f"{texts} is not in {self.lines[after:]}")

    def round(self, *texts: str, does) -> list[str]:
        """The lines that follow when ``does`` is called, up to ``texts``."""
        before = len(self.lines)
        does()
        return self.until(*texts, after=before)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        code = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code


@pytest.fixture
def space(tmp_path):
    for name, text in FILES.items():
        write(tmp_path / "space", name, text)
    return tmp_path / "space"


@pytest.fixture
def watch(space):
    """Starts watches, and ends those that a test leaves running."""
    started: list[Watching] = []

    def start(*arguments: str, ready: str = "watching") -> Watching:
        started.append(Watching(space, *arguments))
        started[-1].until(ready)
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Save as vim and many others do: aside, then renamed over the old file."""
    path = root / name
    text = path.read_text()
    assert old in text
    aside = path.with_name(f".{path.name}.swp")
    aside.write_text(text.replace(old, new, 1))
    os.replace(aside, path)


def test_a_save_is_built_and_told(watch, space):
    one = watch("one")
    assert one.lines[0].startswith(".  pp:one")
    new = one.round("built 2", does=lambda: edit(space, BASE, "1.0e-3", "5.0e-4"))
    assert new[0].startswith("one/templates/base.yaml:7 lr ") and "5.0e-4" in new[0]
    assert [line.split()[1] for line in new if line.startswith(".  ")] == ["pp:one", "graph:one"]
    assert "lr: 0.0005" in (space / "build/one/config.yaml").read_text()


def test_several_saves_in_quick_succession_are_one(watch, space):
    one = watch("one")

    def save() -> None:
        for value in ("2.0e-3", "3.0e-3", "4.0e-3"):
            path = space / BASE
            path.write_text("")  # truncated and written anew, as simple editors do
            path.write_text(FILES[BASE].replace("1.0e-3", value))
            time.sleep(0.01)

    new = one.round("built 2", does=save)
    assert not any("error" in line for line in new)
    time.sleep(0.3)
    assert sum(line.startswith("built") for line in one.lines) == 2  # at the start, and now


def test_a_file_that_is_gone_for_a_moment(watch, space):
    one = watch("one")
    path = space / BASE

    def save() -> None:
        path.rename(path.with_suffix(".bak"))
        time.sleep(0.02)
        path.write_text(FILES[BASE].replace("1.0e-3", "7.0e-3"))

    new = one.round("built 2", does=save)
    assert not any("error" in line for line in new)


def test_a_broken_config_is_shown_once_and_tried_again_when_it_is_saved(watch, space):
    one = watch("one")
    broken = one.round("FG201", does=lambda: edit(space, BASE, "[extras]", "x: [\n[extras]"))
    assert any("base.yaml:" in line for line in broken)
    time.sleep(0.3)
    assert sum("error[" in line for line in one.lines) == 1
    one.round("built 2", does=lambda: edit(space, BASE, "x: [\n[extras]", "x: 3\n[extras]"))


def test_the_same_mistake_is_not_shown_whole_again(watch, space):
    edit(space, BASE, "[extras]", "x: [\n[extras]")
    one = watch("one")
    assert any(line.lstrip().startswith("hint") or "included from" in line for line in one.lines)
    new = one.round("FG201", does=lambda: edit(space, OTHER, "Other", "Another"))
    time.sleep(0.1)
    assert len([line for line in new if "included from" in line]) == 0


def test_a_broken_meta_file(watch, space):
    edit(space, "one/meta.yaml", 'name: "One"', 'name: "One')
    one = watch("one")
    new = one.round("built", does=lambda: edit(space, "one/meta.yaml", '"One', '"One"'))
    assert any("pp:one" in line for line in new)


def test_new_configs_and_projects_are_found(watch, space):
    one = watch("pp")

    def add() -> None:
        write(space, "one/templates/configs/more.yaml", "main: 1\nmeta:\n    a: 1\n")

    assert any(line.startswith(".  pp:one/more") for line in one.round("built 1", does=add))

    def add_project() -> None:
        write(space, "three/templates/configs/data.yaml", FILES["two/templates/configs/data.yaml"])
        write(space, "three/meta.yaml", FILES["two/meta.yaml"])

    assert any(line.startswith(".  pp:three") for line in one.round("built", does=add_project))


def test_a_new_file_that_shadows_another(watch, space):
    workspace = "forgather_workspace/base.yaml"  # the search path has it after the project's own
    (space / BASE).rename(space / workspace)
    one = watch("one")
    shadow = FILES[BASE].replace("1.0e-3", "9.0e-3")
    again = one.round("built 2", does=lambda: write(space, BASE, shadow))
    assert any("one/templates/base.yaml" in line for line in again)


def test_what_another_build_did_is_not_done_again(watch, space):
    one = watch("one")
    environment = {**os.environ, "FORGATHER_CACHE_DIR": str(space.with_name("cache"))}
    command = [sys.executable, "-m", "forgather.cli", "build", "pp:two"]
    subprocess.run(command, cwd=space, env=environment, check=True, capture_output=True)
    before = len(one.lines)
    time.sleep(0.3)
    assert len(one.lines) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_interrupted(number, watch):
    one = watch("one")
    assert one.stop(number) == 0
    assert one.lines[-1] == "stopped"


def test_an_interrupt_ends_the_round_that_is_at_work(watch, space):
    slow = space / "slow.py"
    slow.write_text(
        "import time\n\ndef make(build_dir):\n    print('at work', flush=True)\n    time.sleep(100)\n"
    )
    write(
        space,
        "one/templates/configs/slow.yaml",
        "meta:\n    config_class: 'type.model'\n"
        f"model_package: !call:{slow}:make\n"
        "    build_dir: !var { name: build_dir, default: '.' }\n"
        "main: 1\n",
    )
    one = watch("one/slow", ready="at work")
    assert one.stop() == 0
    assert one.lines[-1] == "stopped"


@pytest.mark.parametrize(
    ("names", "answer"),
    [
        (["onn"], "did you mean 'one'?"),
        (["pq:one"], "there is no task 'pq:one'"),
        ([], "no project was found"),
    ],
)
def test_what_does_not_exist_is_not_waited_for(names, answer, space):
    one = Watching(space, *names)
    assert one.process.wait(SECONDS) in (1, 2)
    one._reader.join(SECONDS)
    assert answer in "\n".join(one.lines)


def test_waiting_imports_nothing_heavy(space):
    code = (
        "import sys; import forgather.make.watching.watch, forgather.cli.commands.watch; "
        "print([n for n in ('jinja2', 'yaml', 'doit', 'rich', 'torch') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
