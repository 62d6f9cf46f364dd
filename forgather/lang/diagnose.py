"""Turns whatever goes wrong in a render into an error that names the line of the user's template.

Positions come from two sides: Jinja's syntax errors carry a line, and errors while rendering have a
Python traceback through compiled templates, each frame of which knows its template's line. This module
only explains; it never decides whether something is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import FrameType
from typing import NamedTuple

import jinja2
from jinja2 import TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.utils import missing

from forgather.errors import (
    ForgatherError,
    Span,
    TemplateError,
    TemplateNotFoundError,
    UndefinedVariableError,
    did_you_mean,
    nearest,
)
from forgather.lang import codes
from forgather.lang.session import Session
from forgather.lang.source import Section
from forgather.lang.syntax_errors import explain_syntax, unknown_name
from forgather.lang.undefined import NameMissing, names_of


class _Frame(NamedTuple):
    section: Section
    line: int
    frame: FrameType


def explain(error: Exception, session: Session) -> Exception:
    """The error to raise in place of ``error``; ``error`` itself where no template is to blame."""
    frames = list(_frames(error, session))
    if isinstance(error, ForgatherError):
        found = error
    elif isinstance(error, TemplateSyntaxError):
        found = explain_syntax(error, session.sections[error.name or ""])
    elif isinstance(error, jinja2.TemplateNotFound):
        found = _missing_template(error, session, frames)
    elif isinstance(error, NameMissing):
        found = _undefined(error, _from_origin(error, frames, session))
    elif isinstance(error, RecursionError):
        found = _endless(frames)
    elif frames:
        found = _runtime(error, frames)
    else:
        return error
    if found.where is None and frames:
        found.where = frames[-1].section.span(frames[-1].line)
    if not found.chain and found.where is not None:
        found.chain = _chain(found.where.template, session, frames)
    return found


def _chain(name: str, session: Session, frames: list[_Frame]) -> tuple[Span, ...]:
    if name in session.sections or not frames:
        return session.chain(name)
    last = frames[-1]  # the template could not be read; this is who asked for it
    return (last.section.span(last.line), *session.chain(last.section.name))


def _frames(error: Exception, session: Session) -> Iterator[_Frame]:
    """The templates the error went through, outermost first."""
    traceback = error.__traceback__
    while traceback is not None:
        template = traceback.tb_frame.f_globals.get("__jinja_template__")
        code = traceback.tb_frame.f_code
        # A filter that does not exist is a function t_1 that raises; the place is where it is called.
        known = template is not None and template.name in session.sections
        if known and not re.fullmatch(r"t_\d+", code.co_name):
            line = template.get_corresponding_lineno(traceback.tb_lineno)
            yield _Frame(session.sections[template.name], line, traceback.tb_frame)
        traceback = traceback.tb_next


# -- while rendering


def _from_origin(error: NameMissing, frames: list[_Frame], session: Session) -> list[_Frame]:
    """The frames, ending where the undefined name was written and not where it was used first."""
    if error.origin is None or not frames:
        return frames
    template, code_line = error.origin
    section = session.sections.get(template.name)
    if section is None:
        return frames
    line = template.get_corresponding_lineno(code_line)
    return [*frames, _Frame(section, line, frames[-1].frame)]


def _missing_template(
    error: jinja2.TemplateNotFound, session: Session, frames: list[_Frame]
) -> TemplateNotFoundError:
    names = getattr(error, "templates", None) or [error.name]
    name = str(names[-1])
    listed = " or ".join(repr(str(each)) for each in names)
    where = frames[-1].section.find(frames[-1].line, name) if frames else None
    close = nearest(name, session.known_names())
    places = ", ".join(repr(path) for path in session.loader.searchpath)
    return TemplateNotFoundError(
        f"{listed} not found in search path: {places}",
        where=where,
        hint=f"did you mean {close!r}?" if close else "'forgather tlist' lists all templates",
        code=codes.NO_TEMPLATE,
    )


def _undefined(error: NameMissing, frames: list[_Frame]) -> TemplateError:
    if error.given:  # Jinja's own words, as for super() without a parent
        return TemplateError(
            (error.message or "undefined").rstrip("."),
            hint="super() needs a parent template that has the block",
            code=codes.NO_PARENT_BLOCK,
        )
    name, owner = error.name, error.owner
    if isinstance(name, jinja2.Undefined):  # x[y], where y is what is undefined
        name, owner = name._undefined_name, missing
    name = str(name)
    where = frames[-1].section.find(frames[-1].line, name) if frames else None
    if owner is not missing:
        return _undefined_attribute(name, owner, where)
    text = (where.text or "") if where else ""
    called = re.search(rf"\b{re.escape(name)}\s*\(", text) is not None
    close = nearest(name, _visible_names(frames[-1].frame) if frames else [])
    what = "there is no function" if called else "undefined variable"
    return UndefinedVariableError(
        f"{what} {name!r}" if called else f"{name!r} is undefined",
        where=where,
        hint=f"did you mean {close!r}?" if close else _undefined_hint(name, called),
        code=codes.UNKNOWN_FUNCTION if called else codes.UNDEFINED,
    )


def _undefined_hint(name: str, called: bool) -> str | None:
    if called:
        return None
    return f"set it before this line, give it as an argument, or write '{name} | default(...)'"


def _undefined_attribute(name: str, owner: object, where: Span | None) -> TemplateError:
    text = (where.text or "") if where else ""
    match = re.search(rf"([\w.]+)\.{re.escape(name)}\b", text)
    asked = f"{match[1]}.{name}" if match else name
    return UndefinedVariableError(
        f"{asked!r} is undefined: the {type(owner).__name__.lower()} has no {name!r}",
        where=where,
        hint=did_you_mean(name, names_of(owner)),
        code=codes.NO_ATTRIBUTE,
    )


def _visible_names(frame: FrameType) -> list[str]:
    names = [
        match[1]
        for local, value in frame.f_locals.items()
        if value is not missing and (match := re.fullmatch(r"l_\d+_(\w+)", local))
    ]
    context = frame.f_locals.get("context")
    if isinstance(context, Context):
        names += context.get_all()
    return names


def _endless(frames: list[_Frame]) -> TemplateError:
    names = list(dict.fromkeys(frame.section.name for frame in frames))
    return TemplateError(
        f"endless recursion in {' -> '.join(names) or 'an expression'}",
        hint="a template that includes itself, or a macro that calls itself, must end somewhere; "
        "or an expression is nested too deeply",
        code=codes.ENDLESS,
    )


def _runtime(error: Exception, frames: list[_Frame]) -> TemplateError:
    message = str(error)
    where = frames[-1].section.span(frames[-1].line) if frames else None
    if match := re.match(r"Required block '(.+)' not found", message):
        return _required_block(match[1], frames)
    if match := re.match(r"No (filter|test) named '(.+)' found", message):
        code = codes.UNKNOWN_FILTER if match[1] == "filter" else codes.UNKNOWN_TEST
        place = frames[-1].section.find(frames[-1].line, match[2]) if frames else None
        return unknown_name(match[1], match[2], code, place)
    if isinstance(error, jinja2.exceptions.SecurityError):
        return TemplateError(
            message.rstrip("."),
            where=where,
            hint="templates work with plain values; the inside of Python objects is closed to them",
            code=codes.UNSAFE,
        )
    if message == "extended multiple times":
        return TemplateError(
            "a template can extend only one other",
            where=_second_extends(frames[-1].section),
            hint="make an inline template that extends the second, and include it in a block",
            code=codes.BAD_EXTENDS,
        )
    return TemplateError(
        f"cannot evaluate this: {type(error).__name__}: {message}",
        where=where,
        code=codes.EVALUATION,
    )


def _second_extends(section: Section) -> Span:
    pattern = re.compile(r"\s*(?:--|<<|>>|\{%[-+]?)\s*extends\b")
    lines = [number for number, line in enumerate(section.lines, 1) if pattern.match(line)]
    return section.find(lines[1] if len(lines) > 1 else 1, "extends")


def _required_block(name: str, frames: list[_Frame]) -> TemplateError:
    where = frames[-1].section.find(frames[-1].line, name) if frames else None
    top = frames[0].section.name if frames else "the config"
    return TemplateError(
        f"required block {name!r} is not filled in",
        where=where,
        hint=f"add a block [{name}] to {top!r} or to a template it extends",
        code=codes.REQUIRED_BLOCK,
    )
