"""The reporter of every day: plain lines, and on a terminal progress, time left and colour.

Rich is imported when the first task starts, and only for a terminal: a build that has nothing to do
pays nothing for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from forgather.make.reporters.base import Running
from forgather.make.reporters.plain import Plain, is_told
from forgather.make.reporters.result import CURRENT, RESTORED, Result, Totals

if TYPE_CHECKING:
    from forgather.make.reporters.live import Live

SHOWN_RESTORED = 10  # tasks that came from a store, and were not just new here
# Steps that run in the build's own process and write nothing; others may write to the terminal.
QUIET = frozenset({"pp", "graph", "report"})


class Console(Plain):

    def __init__(self, outstream: Any, options: dict[str, Any] | None = None) -> None:
        super().__init__(outstream, options)
        self.is_terminal = outstream.isatty() and os.environ.get("TERM") != "dumb"
        self.live: Live | None = None
        self._waiting: dict[str, None] = {}

    def opened(self, tasks: dict[str, Any], selected: list[str]) -> None:
        if not self.is_terminal:
            super().opened(tasks, selected)
            return
        self._waiting = dict.fromkeys(_ahead(tasks, selected))
        self._tell_restored([one for one in self.settled if one.outcome == RESTORED])

    def began(self, task: Any, running: Running) -> None:
        if not self.is_terminal:
            super().began(task, running)
            return
        if self.live is None:
            self.live = self._start()
        self._waiting.pop(running.name, None)
        self.live.began(running, is_noisy=_is_noisy(task))

    def ended(self, task: Any, result: Result) -> None:
        if not self.is_terminal:
            super().ended(task, result)
            return
        self._waiting.pop(result.name, None)
        if self.durations is not None:
            self.durations.saw(result)
        if self.live is not None:
            self.live.ended(result)
        elif result.outcome != CURRENT:
            super().ended(task, result)

    def closed(self, totals: Totals) -> None:
        if self.live is None:
            super().closed(totals)
            return
        self.live.closed(totals)

    def _tell_restored(self, results: list[Result]) -> None:
        """What was not just new here: something was damaged, or has been changed back."""
        told = list(filter(is_told, results))
        for result in told[:SHOWN_RESTORED]:
            self._write(f"restored {result.name}  {result.reason}")
        if len(told) > SHOWN_RESTORED:
            self._write(f"restored {len(told) - SHOWN_RESTORED} more")

    def _start(self) -> Live:
        from forgather.make.reporters.live import Live

        return Live(self.out.stream, self.root, len(self.results), self._waiting, self._left)

    def _left(self) -> float | None:
        if self.durations is None or self.live is None:
            return None
        return self.durations.left(tuple(self._waiting), self.live.running_for())


def _is_noisy(task: Any) -> bool:
    artifact = (task.meta or {}).get("artifact")
    if artifact is None:
        return not (task.meta or {}).get("broken")
    return not artifact.build.options.log_to_files and artifact.target.kind not in QUIET


def _ahead(tasks: dict[str, Any], selected: list[str]) -> list[str]:
    """The tasks with actions that the selected ones are or depend on, in no particular order."""
    seen, waiting, found = set(selected), list(selected), []
    while waiting:
        task = tasks[waiting.pop()]
        if task.actions and not task.name.startswith("_"):
            found.append(task.name)
        for name in (*task.task_dep, *task.setup_tasks):
            if name not in seen and name in tasks:
                seen.add(name)
                waiting.append(name)
    return found
