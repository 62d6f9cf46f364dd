"""Where the parts of a compiled config stand in its templates."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from forgather.errors import Span
from forgather.make.compile import Compiled
from forgather.make.roots import expand


def places(compiled: Compiled) -> Callable[[str], Span | None]:
    """A function from a path in the config, as ``sweep.grid.lr``, to its place; read when asked."""

    @cache
    def spans() -> dict[str, list]:
        return json.loads(compiled.files["spans"].read_text())

    def place(path: str) -> Span | None:
        if path not in spans():
            return None
        template, line, contracted = spans()[path]
        file = expand(contracted, compiled.roots)
        return Span(template, line, None, file or None, _line(file, line))

    return place


def _line(file: str, number: int) -> str | None:
    try:
        lines = Path(file).read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return lines[number - 1] if 0 < number <= len(lines) else None
