"""Explains Jinja's syntax errors in the words of the language, at the line the user wrote.

Jinja says what it stumbled over; here the statement that was left open is found, and the nearest valid
name.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import TemplateSyntaxError
from jinja2.defaults import DEFAULT_FILTERS, DEFAULT_TESTS

from forgather.errors import Span, TemplateError, did_you_mean
from forgather.lang import codes
from forgather.lang.filters import FILTERS
from forgather.lang.source import Section
from forgather.lang.structure import Opened, open_statements

STATEMENTS = [
    "autoescape",
    "block",
    "call",
    "else",
    "elif",
    "endautoescape",
    "endblock",
    "endcall",
    "endfilter",
    "endfor",
    "endif",
    "endmacro",
    "endraw",
    "endset",
    "endwith",
    "extends",
    "filter",
    "for",
    "from",
    "if",
    "import",
    "include",
    "macro",
    "raw",
    "set",
    "with",
]


def explain_syntax(error: TemplateSyntaxError, section: Section) -> TemplateError:
    """The error to raise in place of Jinja's."""
    message = error.message or "syntax error"
    for pattern, explained in _SYNTAX_RULES:
        if match := re.match(pattern, message):
            return explained(match, section, error.lineno)
    return TemplateError(
        message,
        where=_syntax_place(section, error.lineno, message),
        hint=_syntax_hint(message),
        code=codes.SYNTAX,
    )


def _syntax_place(section: Section, line: int, message: str) -> Span:
    """The line, and the column of the text the message quotes last."""
    quoted = re.findall(r"'([^']+)'", message)
    text = section.span(line).text or ""
    if quoted and text.count(quoted[-1]) == 1:
        return section.span(line, text.index(quoted[-1]) + 1)
    return section.span(line)


def _syntax_hint(message: str) -> str | None:
    if message.startswith("Missing end of"):
        return "something opened here, or before, is not closed until the end of the template"
    return None


def _block_twice(match: re.Match[str], section: Section, line: int) -> TemplateError:
    name = match[1]
    pattern = re.compile(rf"\s*\[{name}!*\]\s*|.*\bblock\s+{name}\b.*")
    first = next(
        (number for number, text in enumerate(section.lines, 1) if pattern.fullmatch(text)), line
    )
    return TemplateError(
        f"block {name!r} is defined twice in this template",
        where=section.find(line, name),
        hint=f"it is first defined in line {section.span(first).line}; rename one of them",
        code=codes.BLOCK_TWICE,
    )


def _unknown(kind: str, code: str) -> Callable[[re.Match[str], Section, int], TemplateError]:
    def explained(match: re.Match[str], section: Section, line: int) -> TemplateError:
        return unknown_name(kind, match[1], code, section.find(line, match[1]))

    return explained


def unknown_name(kind: str, name: str, code: str, where: Span | None) -> TemplateError:
    """A filter or test that does not exist; kind says which."""
    known = {*DEFAULT_FILTERS, *FILTERS} if kind == "filter" else {*DEFAULT_TESTS}
    return TemplateError(
        f"there is no {kind} {name!r}",
        where=where,
        hint=did_you_mean(name, {word for word in known if word.isidentifier()}),
        code=code,
    )


def _end_of_template(match: re.Match[str], section: Section, line: int) -> TemplateError:
    return _unclosed(section, "the end of the template", open_statements(section)[-1:])


def _unclosed(section: Section, until: str, opened: list[Opened]) -> TemplateError:
    if not opened:
        return TemplateError(
            "a statement is not closed", where=section.span(1), code=codes.UNCLOSED
        )
    last = opened[-1]
    return TemplateError(
        f"{last.label} is not closed before {until}",
        where=section.find(last.line, last.keyword),
        hint=f"close it with '-- end{last.keyword}'",
        code=codes.UNCLOSED,
    )


def _unknown_statement(match: re.Match[str], section: Section, line: int) -> TemplateError:
    name = match[1]
    where = section.find(line, name)
    if name not in STATEMENTS:
        return TemplateError(
            f"there is no statement {name!r}",
            where=where,
            hint=did_you_mean(name, STATEMENTS),
            code=codes.UNKNOWN_STATEMENT,
        )
    opened = open_statements(section, until=line)
    if not opened:
        return TemplateError(
            f"{name!r} with nothing open",
            where=where,
            hint="remove it, or open what it should close; "
            "a [block] header is closed by the next header",
            code=codes.END_MISMATCH,
        )
    if where.column is None:
        # The user did not write it: it is the end of a [block].
        return _unclosed(section, "the end of the block around it", opened)
    last = opened[-1]
    return TemplateError(
        f"{name!r} does not fit: {last.label}, opened in line {section.span(last.line).line}, "
        "must be closed first",
        where=where,
        hint=f"expected '-- end{last.keyword}'",
        code=codes.END_MISMATCH,
    )


def _end_name(match: re.Match[str], section: Section, line: int) -> TemplateError:
    name = match[1]
    text = section.span(line).text or ""
    if not re.search(rf"\bendblock\s+{re.escape(name)}\b", text):
        return TemplateError(
            f"unexpected {name!r}: the statement should end before it",
            where=section.find(line, name),
            code=codes.SYNTAX,
        )
    blocks = [opened for opened in open_statements(section, until=line) if opened.name]
    hint = "the name after endblock must be that of the open block"
    if blocks:
        hint = (
            f"the open block is {blocks[-1].name!r}, from line {section.span(blocks[-1].line).line}"
        )
    return TemplateError(
        f"endblock names {name!r}, which is not the open block",
        where=section.find(line, name),
        hint=hint,
        code=codes.END_MISMATCH,
    )


def _bad_extends(match: re.Match[str], section: Section, line: int) -> TemplateError:
    return TemplateError(
        "extends must stand outside of blocks, loops and macros",
        where=section.find(line, "extends"),
        code=codes.BAD_EXTENDS,
    )


_SYNTAX_RULES: list[tuple[str, Callable[[re.Match[str], Section, int], TemplateError]]] = [
    (r"block '(.+)' defined twice", _block_twice),
    (r"No filter named '(.+)'\.", _unknown("filter", codes.UNKNOWN_FILTER)),
    (r"No test named '(.+)'\.", _unknown("test", codes.UNKNOWN_TEST)),
    (r"Unexpected end of template", _end_of_template),
    (r"Encountered unknown tag '(\w+)'", _unknown_statement),
    (r"expected token 'end of statement block', got '(.+)'", _end_name),
    (r"cannot use extend from a non top-level scope", _bad_extends),
]
