"""An error that a worker met: as data in its result, and as an error again in the build that started it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forgather.errors import BuildError, ForgatherError, Span

UNKNOWN = "FG606"


def as_data(error: ForgatherError, text: str) -> dict[str, Any]:
    """``text`` is all of it, as a terminal shows it."""
    return {
        "message": error.message,
        "code": error.code,
        "hint": error.hint,
        "where": error.where._asdict() if error.where else None,
        "text": text,
    }


class ReportedError(BuildError):
    """Has the message, place, hint and code of what it reports, and looks as that looked."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        where = Span(**data["where"]) if data["where"] else None
        code = data["code"] or UNKNOWN
        super().__init__(data["message"], where=where, hint=data["hint"], code=code)
        self.text = data["text"]

    def render(self) -> str:
        return self.text
