"""The plain lines, but for what is up to date: for a build that is repeated again and again."""

from __future__ import annotations

from typing import Any

from forgather.make.reporters.plain import Plain, line
from forgather.make.reporters.result import CURRENT, Result


class Changes(Plain):

    def opened(self, tasks: dict[str, Any], selected: list[str]) -> None:
        told = [result for result in self.settled if result.outcome != CURRENT]
        self.out.write("".join(f"{line(result)}\n" for result in told))

    def ended(self, task: Any, result: Result) -> None:
        if result.outcome != CURRENT:
            super().ended(task, result)
