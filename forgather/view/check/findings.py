"""What a check finds, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from forgather.errors import ForgatherError, Span


@dataclass(frozen=True)
class Finding:
    """One mistake (level ``error``), or what may be one (``note``). ``path``: where in the graph."""

    level: str
    code: str
    message: str
    where: Span | None = None
    hint: str | None = None
    path: str | None = None
    project: str = ""
    config: str = ""

    @classmethod
    def of_error(cls, error: ForgatherError, project: str, config: str) -> Finding:
        code = error.code or "FG000"
        return cls("error", code, str(error), error.where, error.hint, None, project, config)

    def key(self) -> tuple:
        """Equal for the same mistake in one template, met through several configs."""
        place = (self.where.path or self.where.template, self.where.line) if self.where else None
        return (self.level, self.code, self.message, place or (self.project, self.config))

    def to_json(self) -> dict[str, Any]:
        where = self.where
        return {
            "level": self.level,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "path": self.path,
            "project": self.project,
            "config": self.config,
            "file": (where.path or where.template) if where else None,
            "template": where.template if where else None,
            "line": where.line if where else None,
            "column": where.column if where else None,
        }
