"""Which line of which template each line of a rendered config came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, overload

from forgather.errors import Span
from forgather.lang.mapped import Mapped
from forgather.lang.source import Section


class Origin(NamedTuple):
    """line: 1-based, in the section."""

    template: str
    line: int
    literal: bool


class SourceMap(Sequence[Span | None]):
    """One entry per line of output: its Span in a template, or None for a blank line.

    A line made of several parts belongs to the first that shows anything.
    """

    def __init__(
        self, lines: list[str], origins: list[Origin | None], sections: Mapping[str, Section]
    ) -> None:
        self.lines = lines
        self.origins = origins
        self._sections = sections

    @overload
    def __getitem__(self, index: int) -> Span | None: ...
    @overload
    def __getitem__(self, index: slice) -> list[Span | None]: ...
    def __getitem__(self, index: int | slice) -> Span | list[Span | None] | None:
        if isinstance(index, slice):
            return [self._span(origin) for origin in self.origins[index]]
        return self._span(self.origins[index])

    def __len__(self) -> int:
        return len(self.origins)

    def _span(self, origin: Origin | None, column: int | None = None) -> Span | None:
        if origin is None:
            return None
        return self._sections[origin.template].span(origin.line, column)

    def locate(self, line: int, column: int | None = None) -> Span | None:
        """The template's place of a position in the output (both 0-based).

        The column is given where the line was copied as it stands. A blank line, and the end of the
        text, count to the last line before them that has an origin.
        """
        line = min(line, len(self.origins) - 1)
        while line > 0 and self.origins[line] is None:
            line, column = line - 1, None
        if line < 0 or (origin := self.origins[line]) is None:
            return None
        if column is not None and not self._verbatim(origin, line):
            column = None
        return self._span(origin, None if column is None else column + 1)

    def search(self, pattern: re.Pattern[str]) -> Span | None:
        """The first line that matches in the templates themselves, rendered or not."""
        for section in self._sections.values():
            for number, line in enumerate(section.lines, 1):
                if match := pattern.search(line):
                    return section.span(number, match.start() + 1)
        return None

    def _verbatim(self, origin: Origin, line: int) -> bool:
        source = self._sections[origin.template].lines
        return (
            origin.literal
            and origin.line <= len(source)
            and source[origin.line - 1].startswith(self.lines[line].rstrip())
        )


def build(text: str, sections: Mapping[str, Section]) -> SourceMap:
    """The map of a finished render."""
    lines = str(text).split("\n")
    origins: list[Origin | None] = [None] * len(lines)
    if type(text) is not Mapped:
        return SourceMap(lines, origins, sections)
    position = row = 0
    for length, template, line, literal in text.pieces:
        parts = str.__getitem__(text, slice(position, position + length)).split("\n")
        if template is not None:
            for number, part in enumerate(parts, row):
                if origins[number] is None and part and not part.isspace():
                    offset = number - row if literal else 0
                    origins[number] = Origin(template, line + offset, literal)
        row += len(parts) - 1
        position += length
    return SourceMap(lines, origins, sections)
