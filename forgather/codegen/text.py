"""Python expressions as lines of text: literals, and the layout of calls and displays.

One argument or item a line with a trailing comma, so that black leaves the lines where they are; a
short list of plain values stays on one line. Knows nothing about graphs: an expression carries the
path of the value it came from, and that is all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_INDENT = "    "
_SHORT = 60  # a display of plain values up to this long stays on one line
_BIG_INT = 1 << 14_000  # beyond Python's limit for decimal text


@dataclass(slots=True)
class Line:
    """One line of code. path: of the value that begins here; None for closing brackets."""

    text: str
    path: str | None = None
    depth: int = 0

    def __str__(self) -> str:
        return _INDENT * self.depth + self.text


@dataclass(slots=True)
class Expr:
    """An expression.

    atomic: it can be called or subscripted as it stands.
    plain: it is a literal that may share a line with others.
    """

    lines: list[Line]
    atomic: bool = True
    plain: bool = field(default=False)

    @classmethod
    def of(cls, text: str, path: str | None, *, atomic: bool = True, plain: bool = False) -> Expr:
        return cls([Line(text, path)], atomic, plain)

    @property
    def text(self) -> str:
        return "\n".join(map(str, self.lines))

    def wrapped(self, before: str = "", after: str = "") -> Expr:
        """With text in front of the first line and after the last."""
        lines = [replace(line) for line in self.lines]
        lines[0].text = before + lines[0].text
        lines[-1].text += after
        return Expr(lines, plain=self.plain)

    def as_atom(self) -> Expr:
        return self if self.atomic else self.wrapped("(", ")")

    def indented(self, depth: int = 1) -> list[Line]:
        return [replace(line, depth=line.depth + depth) for line in self.lines]


def bracketed(opening: str, items: Sequence[Expr], closing: str, path: str | None) -> Expr:
    """``opening`` item, item, ... ``closing``; a call when the opening ends in a callee."""
    if not items:
        return Expr.of(opening + closing, path)
    lines = [Line(opening, path)]
    for item in items:
        lines += item.wrapped(after=",").indented()
    return Expr([*lines, Line(closing)])


def display(opening: str, items: Sequence[Expr], closing: str, path: str | None) -> Expr:
    """A list, tuple or dict display; on one line when it is short and plain."""
    comma = "," if opening == "(" and len(items) == 1 else ""
    if items and all(item.plain for item in items):
        text = opening + ", ".join(item.text for item in items) + comma + closing
        if len(text) <= _SHORT:
            return Expr.of(text, path)
    return bracketed(opening, items, closing, path)


def called(function: Expr, arguments: Sequence[Expr]) -> Expr:
    """``function(arguments)`` for any expression of a function."""
    return _joined(function.as_atom(), bracketed("(", arguments, ")", None))


def subscript(value: Expr, key: Expr) -> Expr:
    """``value[key]``; no trailing comma here, it would make the key a tuple."""
    return _joined(value.as_atom(), key.wrapped("[", "]"))


def _joined(first: Expr, second: Expr) -> Expr:
    glued = first.wrapped(after=second.lines[0].text)
    return Expr([*glued.lines, *second.lines[1:]])


def scalar(value: Any, path: str | None, builtin: Callable[[str], str]) -> Expr:
    """A leaf. ``builtin`` gives the expression for a builtin name."""
    if isinstance(value, str):
        return _string(str(value), path)
    if isinstance(value, float) and not math.isfinite(value):
        return Expr.of(f'{builtin("float")}("{float(value)!r}")', path, plain=True)
    if isinstance(value, int) and not isinstance(value, bool):
        text = repr(int(value)) if abs(value) < _BIG_INT else hex(value)
        return Expr.of(text, path, atomic=False, plain=True)
    if isinstance(value, float):
        return Expr.of(repr(float(value)), path, atomic=False, plain=True)
    return Expr.of(repr(value), path, plain=True)


def string_literal(text: str) -> str:
    """repr, with double quotes where that costs no escape."""
    literal = repr(text)
    if literal.startswith("'") and '"' not in text:
        return f'"{literal[1:-1]}"'
    return literal


def _string(text: str, path: str | None) -> Expr:
    parts = text.splitlines(keepends=True)
    if len(parts) < 2:
        return Expr.of(string_literal(text), path, plain=True)
    lines = [Line(string_literal(part), depth=1) for part in parts]
    return Expr([Line("(", path), *lines, Line(")")])


def source(lines: Iterable[Line]) -> str:
    return "\n".join(map(str, lines))
