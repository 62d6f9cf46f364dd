"""Lines for people and for scripts that read them, on whatever is not a terminal.

``.  TASK  (reason)`` is built, ``-- TASK`` is up to date, ``!! TASK`` failed, was left out or interrupted;
the last line counts. These lines are stable.
"""

from __future__ import annotations

from typing import Any

from forgather.make.logs import tail
from forgather.make.reporters.base import Base, Running
from forgather.make.reporters.result import CURRENT, FAILED, SKIPPED, Result, Totals, relative

NEW = ("never built here",)  # which is no news of what comes from a cache


class Plain(Base):

    def opened(self, tasks: dict[str, Any], selected: list[str]) -> None:
        self.out.write("".join(f"{line(result)}\n" for result in self.settled))

    def began(self, task: Any, running: Running) -> None:
        reason = Result(running.name, "", running.reasons).reason
        self._write(f".  {task.title()}{f'  ({reason})' if reason else ''}")

    def ended(self, task: Any, result: Result) -> None:
        if result.outcome == CURRENT:
            self._write(f"-- {task.title()}")
        elif result.outcome == SKIPPED:
            self._write(f"!! {task.title()}  ({result.reason})")
        elif result.outcome == FAILED:
            assert result.problem is not None
            self._write(f"!! {result.name} failed\n{result.problem.text}")
        if result.log is not None:
            self._write(block(result, self.root))

    def closed(self, totals: Totals) -> None:
        for text in totals.errors:
            self._write(text.rstrip())
        for name in totals.interrupted:
            self._write(f"!! {name}  (interrupted)")
        self._write(totals.line())

    def _write(self, text: str) -> None:
        self.out.write(f"{text}\n")
        self.out.flush()


def line(result: Result) -> str:
    if result.outcome == CURRENT:
        return f"-- {result.name}"
    why = f": {result.reason}" if is_told(result) else ""
    return f".  {result.name}  (restored{why})"


def is_told(result: Result) -> bool:
    """Is it worth saying why something came from a cache?"""
    return result.reasons not in ((), NEW)


def block(result: Result, root: Any) -> str:
    """What a task wrote to its log, as one piece: the end of it, and where the rest is."""
    assert result.log is not None
    lines, more = tail(result.log)
    where = relative(result.log, root)
    left_out = f", {more} lines before these" if more else ""
    return "\n".join(
        [f"   output of {result.name}: {where}{left_out}", *(f"   | {x}" for x in lines)]
    )
