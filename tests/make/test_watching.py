"""What a watch does about saves that meet a round at work, at moments that the test chooses."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from forgather.make.watching import watch
from forgather.make.watching.messages import Wanted
from forgather.make.watching.watch import Watch
from tests.cli.conftest import FILES, write

BASE = "one/templates/base.yaml"
OTHER = "one/templates/configs/other.yaml"
BROKEN = FILES[BASE].replace("[extras]", "x: [\n[extras]")
REPOSITORY = Path(__file__).parents[2]

Step = Callable[[], object]


def nothing() -> None:
    """A round without a reason, as for a folder in which something hidden came and went."""


class Rounds:
    """Real rounds, with what happens around the next one."""

    def __init__(self) -> None:
        self.codes: list[int] = []
        self._before = self._after = nothing
        self._run = watch._run

    def next(self, *, before: Step = nothing, after: Step = nothing) -> Step:
        def step() -> None:
            self._before, self._after = before, after

        return step

    def __call__(self, stream) -> int:
        before, after = self._before, self._after
        self._before = self._after = nothing
        before()
        code = self._run(stream)
        after()
        self.codes.append(code)
        return code


class Scripted(Watch):
    """Takes the next of ``steps`` instead of waiting; ends when there are no more."""

    def __init__(self, root: Path, rounds: Rounds, steps: Sequence[Step]) -> None:
        super().__init__(root, Wanted(["@one"]), 0.05, lambda line: None)
        self._rounds = rounds
        self._steps = steps
        self._taken = 0

    def _wait(self, view: watch.View) -> None:
        if not self._taken:
            self._rounds.codes.clear()  # it may take several until all is built
        if self._taken == len(self._steps):
            raise KeyboardInterrupt
        self._taken += 1
        self._steps[self._taken - 1]()


@pytest.fixture
def space(tmp_path, monkeypatch) -> Path:
    for name, text in FILES.items():
        write(tmp_path / "space", name, text)
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.chdir(tmp_path / "space")
    return tmp_path / "space"


@pytest.fixture
def rounds(monkeypatch) -> Rounds:
    made = Rounds()
    monkeypatch.setattr(watch, "_run", made)
    return made


@pytest.fixture
def errors(space, rounds, capfd) -> Callable[..., list[str]]:
    """Runs a watch to the end of its steps; the lines that told a mistake."""

    def run(*steps: Step) -> list[str]:
        with pytest.raises(KeyboardInterrupt):
            Scripted(space, rounds, steps).run()
        return [line for line in _lines(capfd.readouterr()) if "error[" in line]

    return run


def _lines(captured) -> Iterator[str]:
    yield from captured.out.splitlines()
    yield from captured.err.splitlines()


def save(space: Path, name: str, text: str) -> Step:
    """Aside, then renamed over the file."""

    def step() -> None:
        aside = (space / name).with_name(".aside")
        aside.write_text(text)
        os.replace(aside, space / name)

    return step


def test_a_mistake_that_is_saved_as_a_round_begins_is_shown_once(space, rounds, errors):
    saved = rounds.next(before=save(space, BASE, BROKEN))  # it sees what the watch has not seen
    assert len(errors(saved, nothing)) == 1
    assert rounds.codes == [1, 1, 1]


def test_a_mistake_that_is_still_there_after_a_save_is_said_again(space, rounds, errors):
    other = save(space, OTHER, FILES[OTHER].replace("Other", "Another"))
    assert len(errors(save(space, BASE, BROKEN), other, nothing)) == 2
    assert rounds.codes == [1, 1, 1]


def test_a_save_during_a_round_that_says_nothing_is_answered(space, rounds, errors):
    other = rounds.next(after=save(space, OTHER, FILES[OTHER].replace("Other", "Another")))
    assert len(errors(save(space, BASE, BROKEN), other)) == 2
    assert rounds.codes == [1, 1, 1]


def test_a_mistake_that_is_mended_while_it_is_being_shown(space, rounds, errors):
    broken, mended = save(space, BASE, BROKEN), save(space, BASE, FILES[BASE])
    assert len(errors(rounds.next(before=broken, after=mended))) == 1
    assert rounds.codes[:2] == [1, 0]


def test_a_broken_file_that_goes_while_its_mistake_is_being_shown(space, rounds, errors):
    save(space, "forgather_workspace/base.yaml", FILES[BASE])()  # found once the other is gone
    broken = rounds.next(before=save(space, BASE, BROKEN), after=(space / BASE).unlink)
    assert len(errors(broken)) == 1
    assert rounds.codes[:2] == [1, 0]
