"""Undefined values that remember what was asked of what, for a good message later."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from jinja2 import StrictUndefined, UndefinedError
from jinja2.utils import Namespace, missing


class NameMissing(UndefinedError):
    """name: what was asked for; owner: of what (``missing`` for a plain variable).

    origin: (template, line of its compiled code) where the name was written. The value may have been
    handed on, and be used for the first time far from there.
    """

    def __init__(
        self,
        message: str | None,
        *,
        name: str | None,
        owner: Any,
        given: bool,
        origin: tuple[Any, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.name = name
        self.owner = owner
        self.origin = origin
        self.given = given  # whether the message was written by whoever made the value


class Undefined(StrictUndefined):
    """Any use but ``is defined`` and ``default`` is an error."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[Exception] = UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)  # type: ignore[arg-type]
        if exc is UndefinedError:
            made = partial(
                NameMissing, name=name, owner=obj, given=hint is not None, origin=_template_line()
            )
            self._undefined_exception = made  # type: ignore[assignment]


def _template_line() -> tuple[Any, int] | None:
    """The template whose compiled code runs now, and the line of that code."""
    frame = sys._getframe(2)
    for _ in range(4):  # Jinja's own helpers may lie between
        if frame is None:
            return None
        template = frame.f_globals.get("__jinja_template__")
        if template is not None:
            return template, frame.f_lineno
        frame = frame.f_back
    return None


def names_of(owner: Any) -> list[str]:
    """What could have been asked of it."""
    if isinstance(owner, Namespace):
        return list(object.__getattribute__(owner, "_Namespace__attrs"))
    if isinstance(owner, dict):
        return [key for key in owner if isinstance(key, str)]
    return [name for name in dir(owner) if not name.startswith("_")]
