"""Line statements: ``-- if x``, ``== expr``, ``## comment`` become ordinary Jinja syntax.

===============  ==========================  ==========================================
line             becomes                     note
===============  ==========================  ==========================================
``## text``      ``{# text #}``              the line leaves no trace in the output
``text ## ...``  ``text``                    not inside quotes or Jinja delimiters
``-- stmt``      ``{% stmt %}``              indentation is dropped, for all five
``<< stmt``      ``{%- stmt %}``             also eats white space before
``>> stmt``      ``{% stmt -%}``             also eats white space after
``== expr``      ``{{ expr }}``
``=> expr``      ``{{ expr|trim('\\n')}}``   without leading and trailing newlines
===============  ==========================  ==========================================

One line in, one line out: line numbers survive. Lines inside a Jinja comment, expression or statement
that began on an earlier line, and lines inside ``raw``, are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from forgather.errors import TemplateError
from forgather.lang import codes
from forgather.lang.source import Section

_COMMENT = re.compile(r"\s*##(.*)")
_STATEMENT = re.compile(r"\s*(--|<<|>>|==|=>)\s(.*)")
_TRAILING = re.compile(r"\s#{2}")
# What may hide a "##" that is no comment: quoted strings (a quote inside a word is an apostrophe)
# and Jinja's own delimiters.
_PROTECTED = re.compile(
    r"""(?<![\w)\]'"])'(?:[^']|'')*'(?!\w)|(?<![\w)\]'"])"(?:[^"\\]|\\.)*"|\{\{.*?\}\}|\{%.*?%\}|\{\#.*?\#\}"""
)
_SIMPLE = re.compile(r"[\w.]+(?:\([^()]*\))?")
_OPENING = re.compile(r"\{[{%#]")
_CLOSING = {"{{": "}}", "{%": "%}", "{#": "#}"}
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_ENDRAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}|^\s*(?:--|<<|>>)\s+endraw\b")


def translate(section: Section) -> list[tuple[str, bool]]:
    """(line, open) of each line: ``open`` where it continues something begun on an earlier line."""
    return list(_translated(section))


def _translated(section: Section) -> Iterator[tuple[str, bool]]:
    open_until: str | None = None
    for number, line in enumerate(section.lines, 1):
        if open_until == "raw" and not _ENDRAW.search(line):
            yield line, True
            continue
        if open_until is not None and open_until != "raw":
            _, closed, rest = line.partition(open_until)
            open_until = _unclosed(rest) if closed else open_until
            yield line, True
            continue
        line, plain = _line(line, section, number)
        open_until = _unclosed(line) if plain or _RAW.search(line) else None
        yield line, False


def _line(line: str, section: Section, number: int) -> tuple[str, bool]:
    """The translated line, and whether it is ordinary text."""
    if match := _COMMENT.fullmatch(line):
        # A "#}" in the comment would end it early.
        return "{#" + match[1].replace("#}", "# }") + "#}", False
    if "##" in line:
        line = _cut(line)
    match = _STATEMENT.fullmatch(line)
    if match is None:
        return line, True
    marker, body = match.groups()
    if not body.strip():
        raise TemplateError(
            f"{marker!r} with nothing after it",
            where=section.span(number, match.start(1) + 1),
            hint="write a statement after the marker, or remove the line",
            code=codes.EMPTY_STATEMENT,
        )
    return _statement(marker, body), False


def _statement(marker: str, body: str) -> str:
    match marker:
        case "--":
            return f"{{% {body} %}}"
        case "<<":
            return f"{{%- {body} %}}"
        case ">>":
            return f"{{% {body} -%}}"
        case "==":
            return f"{{{{ {body} }}}}"
    # The filter binds tighter than any operator, so an expression needs parentheses.
    return f"{{{{ {body if _SIMPLE.fullmatch(body) else f'({body})'}|trim('\\n')}}}}"


def _cut(line: str) -> str:
    """Without the trailing comment.

    In text the last ``##`` counts (what stays before it is a YAML comment), in a statement the first.
    """
    hidden = [match.span() for match in _PROTECTED.finditer(line)]
    starts = [
        match.start()
        for match in _TRAILING.finditer(line)
        if not any(start < match.start() < end for start, end in hidden)
    ]
    if not starts:
        return line
    return line[: starts[0] if _STATEMENT.fullmatch(line) else starts[-1]]


def _unclosed(text: str) -> str | None:
    """What must come before lines are read again: a closing delimiter, "raw", or None."""
    position = 0
    while match := _OPENING.search(text, position):
        if raw := _RAW.match(text, match.start()):
            end = _ENDRAW.search(text, raw.end())
            if end is None:
                return "raw"
            position = end.end()
            continue
        closing = _CLOSING[match[0]]
        end_at = text.find(closing, match.end())
        if end_at < 0:
            return closing
        position = end_at + 2
    return None
