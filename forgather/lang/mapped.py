"""Text that remembers where it came from.

While a template renders, each piece of output is a :class:`Mapped`: a string with the (template, line)
of its parts. Joining, trimming and indenting keep them; any other operation gives an ordinary string,
which is then mapped to the expression that printed it. No marks are put into the text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Piece(NamedTuple):
    """A run of output.

    template: None where nobody knows.
    line: 1-based, in the section, of the first character.
    literal: copied from the template (so lines count on), not computed (all lines are ``line``).
    """

    length: int
    template: str | None
    line: int
    literal: bool


class Mapped(str):
    """A string whose parts have origins; the lengths of ``pieces`` add up to its own."""

    __slots__ = ("pieces",)
    pieces: tuple[Piece, ...]


def _mapped(text: str, pieces: Iterable[Piece]) -> Mapped:
    result = Mapped(text)
    result.pieces = tuple(pieces)
    return result


def literal(text: str, template: str, line: int) -> Mapped:
    """Text as it stands in the template."""
    return _mapped(text, (Piece(len(text), template, line, True),))


def computed(value: object, template: str, line: int) -> Mapped:
    """The printed value of an expression. None is written as YAML's null."""
    if type(value) is Mapped:
        return value
    text = "null" if value is None else str(value)
    return _mapped(text, (Piece(len(text), template, line, False),))


def join(parts: Iterable[str]) -> Mapped:
    """One text from many."""
    parts = list(parts)
    pieces: list[Piece] = []
    for part in parts:
        if type(part) is Mapped:
            pieces.extend(part.pieces)
        elif part:
            pieces.append(Piece(len(part), None, 0, False))
    return _mapped("".join(parts), pieces)


def cut(text: Mapped, start: int, end: int) -> Mapped:
    """``text[start:end]``, with its origins."""
    pieces: list[Piece] = []
    position = 0
    for piece in text.pieces:
        first, last = max(start, position), min(end, position + piece.length)
        if first < last:
            newlines = text.count("\n", position, first) if piece.literal else 0
            pieces.append(Piece(last - first, piece.template, piece.line + newlines, piece.literal))
        position += piece.length
        if position >= end:
            break
    return _mapped(str.__getitem__(text, slice(start, end)), pieces)


def trim(value: object, chars: str | None = None) -> str:
    """The filter ``trim``."""
    if type(value) is not Mapped:
        return str(value).strip(chars)
    start = len(value) - len(value.lstrip(chars))
    return cut(value, start, max(start, len(value.rstrip(chars))))


def indent(value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """The filter ``indent``: lines after the first (or all) get ``width`` blanks, or that string."""
    margin = width[:1000] if isinstance(width, str) else " " * min(width, 1000)
    text = value if type(value) is Mapped else _mapped(str(value), ())
    known = bool(text.pieces)
    parts: list[str] = []
    position = 0
    for number, line in enumerate(text.split("\n")):
        end = position + len(line)
        if number:
            parts.append(cut(text, position - 1, position) if known else "\n")
        if first if number == 0 else (line or blank):
            parts.append(margin)
        parts.append(cut(text, position, end) if known else line)
        position = end + 1
    return join(parts) if known else "".join(parts)
