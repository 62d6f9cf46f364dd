"""Leaves and paths as JSON: exactly, and without naming the places of this machine.

JSON has strings, booleans, null and integers as we mean them; floats are written as their shortest
exact text, so that 1.0, -0.0, inf and nan survive any reader. A string that is a path below a known
root is written ``${root}/rest``: two checkouts give the same text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from forgather.errors import GraphError
from forgather.graph import codes

# Python refuses decimal text for integers beyond this many bits' worth of digits (4,300).
_BIG_INT = 1 << 14_000


class Roots:
    """Named directories: strings below them are written with the name, and read back.

    The longest root wins; a root matches at the boundaries of path components only. A literal string
    that looks like a written path gets one more ``$`` in front, so reading is exact.
    """

    def __init__(self, roots: Mapping[str, str] | None) -> None:
        paths = {name: str(path).rstrip("/") for name, path in (roots or {}).items()}
        self.paths = {name: path for name, path in paths.items() if path}
        self._longest_first = sorted(self.paths.items(), key=lambda item: (-len(item[1]), item[0]))
        names = "|".join(re.escape(name) for name in sorted(self.paths))
        self._token = re.compile(rf"(\$+)\{{({names})\}}(?=/|\Z)") if names else None

    @property
    def names(self) -> list[str]:
        return sorted(self.paths)

    def write(self, text: str) -> str:
        for name, path in self._longest_first:
            if text == path or text.startswith(path + "/"):
                return f"${{{name}}}{text[len(path):]}"
        if self._token and self._token.match(text):
            return "$" + text
        return text

    def read(self, text: str) -> str:
        if not self._token or not (found := self._token.match(text)):
            return text
        if len(found[1]) > 1:
            return text[1:]
        return self.paths[found[2]] + text[found.end() :]


def write_scalar(value: Any, roots: Roots) -> Any:
    """A leaf as JSON data; GraphError for anything that is not a leaf of a graph."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return roots.write(str(value))
    if isinstance(value, int):
        return int(value) if abs(value) < _BIG_INT else ["int", hex(value)]
    if isinstance(value, float):
        return ["float", repr(float(value))]
    raise GraphError(
        f"unsupported type {type(value).__name__!r}: {value!r}", code=codes.UNSUPPORTED_TYPE
    )


def read_scalar(data: Any, roots: Roots) -> Any:
    """The leaf that :func:`write_scalar` wrote."""
    if isinstance(data, str):
        return roots.read(data)
    if isinstance(data, list):
        kind, text = data
        return int(text, 16) if kind == "int" else float(text)
    return data
