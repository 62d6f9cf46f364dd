"""Which statements are open at a point of a template: to say what was not closed, and where it began."""

from __future__ import annotations

from typing import NamedTuple

import jinja2

from forgather.lang.compiler import translate
from forgather.lang.source import Section

_PAIRED = {"autoescape", "block", "call", "filter", "for", "if", "macro", "with"}


class Opened(NamedTuple):
    """name: of a block, else None; line: in the section."""

    keyword: str
    name: str | None
    line: int

    @property
    def label(self) -> str:
        return f"{self.keyword} {self.name!r}" if self.name else repr(self.keyword)


def open_statements(section: Section, until: int | None = None) -> list[Opened]:
    """The statements that are open before line ``until``, or at the end; innermost last."""
    opened: list[Opened] = []
    for line, words in _statements(translate(section)):
        if until is not None and line >= until:
            break
        keyword = words[0]
        if keyword.startswith("end") and opened and opened[-1].keyword == keyword[3:]:
            opened.pop()
        elif keyword in _PAIRED or (keyword == "set" and "=" not in words):
            name = words[1] if keyword == "block" and len(words) > 1 else None
            opened.append(Opened(keyword, name, line))
    return opened


def _statements(source: str) -> list[tuple[int, list[str]]]:
    """(line, tokens) of each statement."""
    found: list[tuple[int, list[str]]] = []
    current: list[str] | None = None
    environment = jinja2.Environment(trim_blocks=True)
    try:
        for line, kind, value in environment.lex(source):
            if kind == "block_begin":
                current = []
                found.append((line, current))
            elif kind == "block_end":
                current = None
            elif current is not None and kind != "whitespace":
                current.append(value)
    except jinja2.TemplateSyntaxError:
        # The template cannot be read further; what comes before is what was asked about.
        found = [(line, words) for line, words in found if words is not current]
    return [(line, words) for line, words in found if words]
