"""Template files as text: reading them, and cutting them into named sections.

A file holds one template, under the file's own name, and any number of inline templates after
separator lines such as ``#-------- project.callbacks --------``. Each section knows at which line of
the real file it starts, so that every later line number can be one of the file. This module knows
nothing about what the text means.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property

from forgather.errors import Span

_SEPARATOR = re.compile(r"#\s*-{3,}\s*([\w./]+)\s*-{3,}[ \t]*")
_NEWLINE = re.compile(r"\r\n|\r")


@dataclass(frozen=True)
class Section:
    """One template: a name, its text (line ends are ``\\n``), and where it stands.

    first_line: line of the file that is the first line of ``text``.
    inline: whether it is a named part of a file, after a separator.
    """

    name: str
    text: str = field(repr=False)
    path: str | None = None
    first_line: int = 1
    inline: bool = False

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def span(self, line: int, column: int | None = None) -> Span:
        """The place in the file of a line of this section (1-based)."""
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else None
        return Span(self.name, self.first_line + line - 1, column, self.path, text)

    def find(self, line: int, word: str) -> Span:
        """The place of a word in a line; the line alone where the word is not to be seen."""
        place = self.span(line)
        match = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", place.text or "")
        return self.span(line, match.start() + 1) if match else place


def normalize(text: str) -> str:
    """Line ends as ``\\n``, no byte order mark."""
    text = text.removeprefix("\ufeff")
    return _NEWLINE.sub("\n", text) if "\r" in text else text


def split(text: str, name: str, path: str | None = None) -> list[Section]:
    """The file's own section, then its inline templates, in order.

    A separator is a line of its own: not the first of the file, and ended by a newline.
    """
    text = normalize(text)
    if "---" not in text:
        return [Section(name, text, path)]
    lines = text.split("\n")
    starts = [(name, 0)]
    ends: list[int] = []
    for number in range(1, len(lines) - 1):
        line = lines[number]
        if line.startswith("#") and (match := _SEPARATOR.fullmatch(line)):
            ends.append(number)
            starts.append((match[1], number + 1))
    ends.append(len(lines))
    return [
        Section(part, "\n".join(lines[start:end]), path, start + 1, inline=position > 0)
        for position, ((part, start), end) in enumerate(zip(starts, ends, strict=True))
    ]
