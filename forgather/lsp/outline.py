"""What stands where in one template file, by looking at its lines only.

Knows the forms of the language and nothing about other files, so it holds for text that is being
typed. Lines and columns are 0-based and count characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from forgather.lang.source import split

Kind = Literal["template", "block", "super", "anchor", "alias", "spec"]

_STATEMENT = re.compile(r"^\s*(?:--|<<|>>)\s(.*)$")
_EXPRESSION = re.compile(r"^\s*(?:==|=>)\s(.*)$")
_INLINE = re.compile(r"\{%[-+]?(.*?)[-+]?%\}")
_HEADER = re.compile(r"^(\s*)\[([^\W\d]\w*)!*\]\s*$")
_BLOCK = re.compile(r"\b(end)?block\s+([^\W\d]\w*)")
_REFERENCE = re.compile(r"\b(?:extends|include|import|from)\b")
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_SUPER = re.compile(r"\bsuper(?=\s*\()")
_ANCHOR = re.compile(r"(?:^|(?<=[\s\[{,:]))&([^\s\[\]{},]+)")
_ALIAS = re.compile(r"(?:^|(?<=[\s\[{,:]))\*([^\s\[\]{},*]+)")
_SPEC = re.compile(r"!(?:singleton|call|factory|partial|lambda|meta):([^\s@\[\]{},]+)")
_COMMENT = re.compile(r"(?:^|\s)##.*$")


@dataclass(frozen=True)
class Spot:
    """Something that means something, at a place.

    section: name of the inline template it stands in; empty for the file's own.
    end: one past the last column.
    closes: an endblock.
    """

    kind: Kind
    name: str
    section: str
    line: int
    start: int
    end: int
    closes: bool = False


@dataclass(frozen=True)
class Part:
    """A template of the file: the file's own (name empty) or an inline one. line: its first."""

    name: str
    line: int
    end: int


class Outline:
    """The spots and parts of a text."""

    def __init__(self, text: str) -> None:
        sections = split(text, "")
        self.lines = text.splitlines()
        starts = [section.first_line - 1 for section in sections]
        # A part ends before its successor's separator line.
        ends = [start - 1 for start in starts[1:]] + [max(len(self.lines), starts[-1])]
        self.parts = [
            Part(section.name, start, end)
            for section, start, end in zip(sections, starts, ends, strict=True)
        ]
        self.spots = [spot for part in self.parts for spot in self._spots(part)]

    def at(self, line: int, column: int) -> Spot | None:
        """The spot at a position, or just before it."""
        for spot in self.spots:
            if spot.line == line and spot.start <= column <= spot.end:
                return spot
        return None

    def part_at(self, line: int) -> Part:
        return next((part for part in reversed(self.parts) if part.line <= line), self.parts[0])

    def enclosing_blocks(self, line: int) -> list[str]:
        """The blocks that are open at the beginning of a line, innermost last."""
        part = self.part_at(line)
        stack: list[tuple[int | None, str]] = []  # indentation of a header, None for a statement
        for spot in self.spots:
            if spot.kind != "block" or spot.section != part.name or spot.line >= line:
                continue
            header = _HEADER.match(self.lines[spot.line])
            if header:
                depth = len(header[1])
                while stack and stack[-1][0] is not None and stack[-1][0] >= depth:
                    stack.pop()
                stack.append((depth, spot.name))
            elif not spot.closes:
                stack.append((None, spot.name))
            else:
                while stack and stack.pop()[0] is not None:
                    continue
        return [name for _, name in stack]

    def _spots(self, part: Part) -> Iterator[Spot]:
        for number in range(part.line, min(part.end, len(self.lines))):
            for kind, name, start, end, *closes in _line_spots(self.lines[number]):
                yield Spot(kind, name, part.name, number, start, end, *closes)


def _line_spots(line: str) -> Iterator[tuple]:
    if comment := _COMMENT.search(line):
        line = line[: comment.start()]
    if header := _HEADER.match(line):
        yield "block", header[2], header.start(2), header.end(2)
    elif statement := _STATEMENT.match(line) or _EXPRESSION.match(line):
        yield from _statement_spots(statement[1], statement.start(1))
    else:
        for inline in _INLINE.finditer(line):
            yield from _statement_spots(inline[1], inline.start(1))
        yield from _yaml_spots(line)


def _statement_spots(text: str, offset: int) -> Iterator[tuple]:
    refers = _REFERENCE.search(text)
    for quoted in _QUOTED.finditer(text):
        group = 1 if quoted[1] is not None else 2
        # Names of templates are also handed on in variables: -- set ns.trainer = "trainer.yaml"
        if (refers and quoted.start() > refers.start()) or quoted[group].endswith(".yaml"):
            yield "template", quoted[group], offset + quoted.start(group), offset + quoted.end(
                group
            )
    for block in _BLOCK.finditer(text):
        yield "block", block[2], offset + block.start(2), offset + block.end(2), bool(block[1])
    for found in _SUPER.finditer(text):
        yield "super", "super", offset + found.start(), offset + found.end()


def _yaml_spots(line: str) -> Iterator[tuple]:
    for kind, pattern in (("anchor", _ANCHOR), ("alias", _ALIAS), ("spec", _SPEC)):
        for found in pattern.finditer(line):
            yield kind, found[1], found.start(1), found.end(1)
    for found in _SUPER.finditer(line):
        if "{{" in line[: found.start()]:
            yield "super", "super", found.start(), found.end()
