"""One JSON object a line, as things happen. The fields are described in docs/build.md.

Fields may be added; none is renamed, removed or given another meaning without a new ``version``.
"""

from __future__ import annotations

import json
from typing import Any

from forgather.make.reporters.base import Base, Running
from forgather.make.reporters.result import (
    OUTCOMES,
    Problem,
    Result,
    Totals,
    place,
    relative,
)

VERSION = 1


class JsonLines(Base):
    for_programs = True
    logs_actions = True

    def opened(self, tasks: dict[str, Any], selected: list[str]) -> None:
        self._write("start", version=VERSION, root=str(self.root), targets=list(selected))
        for result in self.settled:
            self._task(result)

    def began(self, task: Any, running: Running) -> None:
        reason = Result(running.name, "", running.reasons).reason
        self._write("begin", name=running.name, reason=reason, reasons=list(running.reasons))

    def ended(self, task: Any, result: Result) -> None:
        self._task(result)

    def closed(self, totals: Totals) -> None:
        self._write(
            "end",
            version=VERSION,
            counts={outcome: totals.counts[outcome] for outcome in OUTCOMES},
            seconds=round(totals.seconds, 3),
            interrupted=list(totals.interrupted),
            errors=list(totals.errors),
        )

    def refused(self, problem: Problem) -> None:
        self._write("refused", version=VERSION, root=str(self.root), error=self._error(problem))

    def _task(self, result: Result) -> None:
        self._write(
            "task",
            name=result.name,
            outcome=result.outcome,
            reason=result.reason,
            reasons=list(result.reasons),
            seconds=round(result.seconds, 3),
            log=relative(result.log, self.root) if result.log else None,
            error=self._error(result.problem) if result.problem else None,
        )

    def _error(self, problem: Problem) -> dict[str, Any]:
        where = {"template": None, "file": None, "line": None, "column": None}
        if problem.where is not None:
            where = place(problem.where, self.root)
        return {
            "message": problem.message,
            "code": problem.code,
            "hint": problem.hint,
            **where,
            "text": problem.text,
        }

    def _write(self, event: str, **fields: Any) -> None:
        self.out.write(json.dumps({"event": event, **fields}, ensure_ascii=False) + "\n")
        self.out.flush()
