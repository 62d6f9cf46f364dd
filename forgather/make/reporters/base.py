"""What every reporter does: it turns doit's calls into results, and knows when the build is over.

doit calls ``execute_task`` from the thread that runs the task and everything else from its main
thread, so what a reporter writes, it writes under ``lock``. Reporters override ``opened``, ``began``,
``ended`` and ``closed``, which are called under it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from doit.exceptions import UnmetDependency

from forgather.errors import ForgatherError, Interrupted
from forgather.make.front.outlet import Outlet
from forgather.make.front.steps import STEPS
from forgather.make.front.summary import Summary
from forgather.make.logs import is_empty, log_path, signature
from forgather.make.reporters.failure import Failure
from forgather.make.reporters.result import (
    BUILT,
    CURRENT,
    FAILED,
    RESTORED,
    SKIPPED,
    Problem,
    Result,
    Totals,
)

ASKED_AGAIN = ("it was asked for again (--always)",)

if TYPE_CHECKING:
    from forgather.make.reporters.durations import Durations


class Running(NamedTuple):
    """A task that has begun: since when, why, and what its log was like before."""

    name: str
    since: float
    reasons: tuple[str, ...]
    log: Path | None
    log_before: tuple[int, int, int] | None


class Base:
    """A doit reporter. ``for_programs``: nothing but the report may stand on standard output."""

    for_programs = False
    logs_actions = False  # actions write to log files, not to the terminal

    def __init__(self, outstream: TextIO, options: dict[str, Any] | None = None) -> None:
        self.out = Outlet(outstream)
        self.lock = threading.RLock()
        self.root = Path.cwd()
        self.summary = Summary()
        self.results: list[Result] = []
        self.running: dict[str, Running] = {}
        self.errors: list[str] = []
        self.durations: Durations | None = None
        self._since = time.monotonic()
        self._stdout: TextIO | None = None
        if self.for_programs and outstream is sys.stdout:
            self._stdout, sys.stdout = sys.stdout, sys.stderr

    # what doit calls

    def initialize(self, tasks: dict[str, Any], selected_tasks: list[str]) -> None:
        self.summary = Summary.of(tasks.values())
        if (build := _build_of(tasks.values())) is not None:
            from forgather.make.reporters.durations import Durations

            self.root = build.root
            self.durations = Durations(build.directory)
            if self.logs_actions:
                build.options.log_to_files = True
        with self.lock:
            self.opened(tasks, selected_tasks)
            self.results += self.settled
        self._before = frozenset((*self.summary.current, *self.summary.restored))

    def get_status(self, task: Any) -> None:
        """Nothing is told before it is known whether a task runs."""

    def execute_task(self, task: Any) -> None:
        if not _is_told(task):
            return
        artifact = _artifact(task)
        reasons, log = (), None
        if artifact is not None:
            verdict = artifact.verdict()
            reasons = ASKED_AGAIN if verdict.is_current else verdict.reasons
            log = log_path(artifact.build.directory, task.name)
        before = signature(log) if log else None
        running = Running(task.name, time.monotonic(), tuple(reasons), log, before)
        with self.lock:
            self.running[task.name] = running
            self.began(task, running)

    def add_success(self, task: Any) -> None:
        with self.lock:
            running = self.running.pop(task.name, None)
            if running is not None:
                self._end(task, _result(running, str(task.values.get("made", BUILT))))

    def add_failure(self, task: Any, fail: Any) -> None:
        if not fail.report:
            return
        with self.lock:
            running = self.running.pop(task.name, None)
            if isinstance(fail, UnmetDependency):
                if _is_told(task):
                    reason = f"not built: {', '.join(fail.message.split())}"
                    self._end(task, Result(task.name, SKIPPED, (reason,)))
                return
            running = running or Running(task.name, time.monotonic(), (), None, None)
            self._end(task, _result(running, FAILED, _problem(task, fail)))

    def skip_uptodate(self, task: Any) -> None:
        if task.name not in self._before and not task.name.startswith("_"):
            with self.lock:
                self._end(task, Result(task.name, CURRENT))

    def skip_ignore(self, task: Any) -> None:
        with self.lock:
            self._end(task, Result(task.name, SKIPPED, ("ignored, until it is forgotten",)))

    def cleanup_error(self, exception: Any) -> None:
        self.errors.append(exception.get_msg())

    def runtime_error(self, msg: str) -> None:
        self.errors.append(msg)

    def teardown_task(self, task: Any) -> None:
        """Nothing is told of a task that tidies up."""

    def complete_run(self) -> None:
        is_interrupted = isinstance(sys.exc_info()[1], KeyboardInterrupt)
        if is_interrupted:
            STEPS.wait()
        self._give_back()
        with self.lock:
            counts = Counter(result.outcome for result in self.results)
            seconds = time.monotonic() - min(self._since, self.summary.since)
            self.closed(Totals(counts, seconds, tuple(self.running), tuple(self.errors)))
        if self.durations is not None:
            self.durations.keep(self.results)
        if is_interrupted:
            raise SystemExit(Interrupted.exit_code) from None  # doit would show a traceback

    def refuse(self, root: Path, error: ForgatherError) -> None:
        """The build did not start; the message itself goes to the terminal in any case."""
        self._give_back()
        self.root = root
        self.refused(Problem.of(error))

    def _give_back(self) -> None:
        if self._stdout is not None:
            sys.stdout = self._stdout

    @cached_property
    def settled(self) -> list[Result]:
        """What was settled before doit started."""
        restored = self.summary.restored.items()
        found = [Result(name, RESTORED, reasons) for name, reasons in restored]
        return found + [Result(name, CURRENT) for name in self.summary.current]

    # what reporters override

    def opened(self, tasks: dict[str, Any], selected: list[str]) -> None:
        """The tasks are known; ``summary`` holds what is already settled."""

    def began(self, task: Any, running: Running) -> None:
        """A task that has actions starts."""

    def ended(self, task: Any, result: Result) -> None:
        """A task is settled, one way or the other."""

    def closed(self, totals: Totals) -> None:
        """The build is over, or cut off."""

    def refused(self, problem: Problem) -> None:
        """The build did not start."""

    def _end(self, task: Any, result: Result) -> None:
        self.results.append(result)
        self.ended(task, result)


def _is_told(task: Any) -> bool:
    return bool(task.actions) and not task.name.startswith("_")


def _artifact(task: Any) -> Any:
    return (task.meta or {}).get("artifact")


def _build_of(tasks: Any) -> Any:
    return next((a.build for task in tasks if (a := _artifact(task)) is not None), None)


def _result(running: Running, outcome: str, problem: Problem | None = None) -> Result:
    log = running.log
    if log is not None and (is_empty(log) or signature(log) == running.log_before):
        log = None  # it says nothing, or what it says is of another build
    seconds = time.monotonic() - running.since
    return Result(running.name, outcome, running.reasons, seconds, log, problem)


def _problem(task: Any, fail: Any) -> Problem:
    if isinstance(fail, Failure):
        return Problem.of(fail.error)
    text = fail.get_msg().rstrip()
    return Problem(fail.message.strip() or f"{task.name} failed", text + _captured(task))


def _captured(task: Any) -> str:
    """What a task of a dodo.py wrote and nobody has seen yet."""
    if not task.executed:
        return ""
    parts = [action.err for action in task.actions if action.err and task.verbosity < 1]
    parts += [action.out for action in task.actions if action.out and task.verbosity < 2]
    return "".join(f"\n{part.rstrip()}" for part in parts)
