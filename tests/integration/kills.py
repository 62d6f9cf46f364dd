"""kill -9 of builds at random instants, and what must be true afterwards.

Each round edits the workspace, starts a build, kills it with everything that it started, often takes
the edit back (what was half written must then not pass for up to date), and looks:

* stores: every entry is whole JSON whose blobs are there, and every blob has the bytes of its name;
* a build that is let run to its end gives, byte for byte, what a build from nothing gives;
* a step that was finished before the kill does not run again with the same inputs.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.integration import forked
from tests.integration.cheap import KINDS
from tests.integration.oracle import Soak
from tests.integration.random_edits import EDITS

REPOSITORY = Path(__file__).parents[2]
KINDS_OF_EDITS = ("content", "mtime_kept", "part", "data", "comment", "order", "add", "damage")


@dataclass
class Kills:
    """What was counted; the lists hold a description of each failure."""

    rounds: int = 0
    real: int = 0  # of real processes, the others were forks
    while_running: int = 0  # the build had not come to its end by itself
    while_writing: int = 0  # something stood in a staging folder at that moment
    reverted: int = 0
    finished: int = 0  # steps that were done before a kill
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.wrong or self.lost or self.broken)

    def lines(self) -> list[str]:
        return [
            f"kills                {self.rounds} ({self.real} of real processes)",
            f"  while running      {self.while_running}",
            f"  while writing      {self.while_writing}",
            f"  edit taken back    {self.reverted}",
            f"finished steps       {self.finished}",
            f"wrong 'up to date'   {len(self.wrong)}",
            f"finished steps lost  {len(self.lost)}",
            f"broken stores        {len(self.broken)}",
        ]


class KillSoak:
    """``real_every``: one round in so many kills a real ``doit`` with real workers."""

    def __init__(self, scratch: Path, seed: int, real_every: int = 0) -> None:
        self.soak = Soak(scratch, seed)
        self.chance = self.soak.editor.chance
        self.real_every = real_every
        self.counts = Kills()
        self.spans = {True: 3.0, False: 0.4}  # seconds that a build takes, real or forked
        assert not self.soak.check()

    def round(self) -> list[str]:
        """One kill; what was wrong afterwards."""
        counts, editor = self.counts, self.soak.editor
        is_real = bool(self.real_every) and counts.rounds % self.real_every == 0
        counts.rounds += 1
        counts.real += is_real
        mark = len(editor.past)
        edits = [EDITS[self.chance.choice(KINDS_OF_EDITS)](editor) for _ in range(2)]
        finished = self._killed_build(is_real)
        is_reverted = self.chance.random() < 0.5
        while is_reverted and len(editor.past) > mark:
            editor.undo()
        counts.reverted += is_reverted
        where = f"round {counts.rounds}, after {edits}, {'taken back' if is_reverted else 'kept'}"
        broken = [f"{where}: {one}" for one in store_problems(self.soak.root.parent)]
        wrong = [f"{where}: {one}" for one in self.soak.check()]
        lost = [
            f"{where}: {one}" for one in self.soak.last.how("built") if self._was(one, finished)
        ]
        counts.broken += broken
        counts.wrong += wrong
        counts.lost += lost
        return broken + wrong + lost

    def _was(self, task: str, finished: dict[str, str]) -> bool:
        return finished.get(task) == self.soak.last.notes[task]["inputs"]

    def _killed_build(self, is_real: bool) -> dict[str, str]:
        """Start a build and kill it; the inputs of each step that was done by then."""
        with TemporaryDirectory(prefix="killed-") as name:
            scratch = Path(name)
            start = self._start_real if is_real else self._start_fork
            began = time.monotonic()
            pid = start(scratch)
            self._wait(pid, self.spans[is_real])
            self.counts.while_writing += any(self._staging())
            if _is_over(pid):
                self.spans[is_real] = 0.7 * self.spans[is_real] + 0.3 * (time.monotonic() - began)
            else:
                self.counts.while_running += 1
            with suppress(ProcessLookupError):
                forked.kill(pid)
            notes = forked.outcome(scratch, -9).notes
            self.soak.remember(notes)
        self.counts.finished += len(notes)
        return {task: note["inputs"] for task, note in notes.items()}

    def _start_fork(self, scratch: Path) -> int:
        arguments = ("--continue", *KINDS)
        return forked.start(
            self.soak.root, *arguments, environment=self.soak.environment, scratch=scratch
        )

    def _start_real(self, scratch: Path) -> int:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        for name, value in self.soak.environment.items():
            environment.pop(name, None)
            if value is not None:
                environment[name] = value
        command = [sys.executable, "-m", "tests.integration.forked", str(scratch / "made")]
        process = subprocess.Popen(
            [*command, "--continue", *KINDS],
            cwd=self.soak.root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        process.returncode = 0  # it is waited for by its id
        return process.pid

    def _wait(self, pid: int, span: float) -> None:
        """Until a random instant; every other time until just after something is being written."""
        if self.chance.random() < 0.5:
            time.sleep(self.chance.random() * span)
            return
        skipped = self.chance.randint(0, 8)  # how many writes are let pass
        seen: set[str] = set()
        deadline = time.monotonic() + 2 * span
        while time.monotonic() < deadline and len(seen) <= skipped and not _is_over(pid):
            seen.update(self._staging())
        time.sleep(self.chance.random() * 0.002)

    def _staging(self) -> Iterator[str]:
        for folder in (self.soak.root / "build" / "store", self.soak.cache / "build"):
            with suppress(FileNotFoundError):
                yield from os.listdir(folder / "staging")


def _is_over(pid: int) -> bool:
    """Whether a child has ended by itself; it stays to be waited for."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def store_problems(top: Path) -> Iterator[str]:
    """What is wrong with the stores (``ac`` beside ``cas``) below a folder."""
    for actions in sorted(top.rglob("ac")):
        blobs = actions.with_name("cas")
        if not blobs.is_dir():
            continue  # no store: compiled templates lie in folders named by two digits of a digest
        whole: set[str] = set()
        for path in blobs.rglob("*"):
            if path.is_file():
                if hashlib.sha256(path.read_bytes()).hexdigest() == path.name:
                    whole.add(path.name)
                else:
                    yield f"{path} has other bytes than its name says"
        for path in actions.iterdir():
            if path.name.startswith("."):
                continue  # it was being written
            try:
                data = json.loads(path.read_bytes())
            except ValueError:
                yield f"{path} is no JSON"
                continue
            files = data.get("files") or {
                name: output["digest"] for name, output in data["outputs"].items()
            }
            yield from (f"{path}: {sha} is missing" for sha in files.values() if sha not in whole)
