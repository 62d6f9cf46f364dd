"""Bounds on what a template may compute, so that looking at a config never hangs or fills the memory.

A config describes what is to be done; none that a person writes comes near these numbers.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any

from forgather.errors import TemplateError
from forgather.lang import codes

# Rounds of loops, templates loaded, and hundreds of characters, in one render.
MAX_STEPS = 1_000_000
MAX_SECONDS = 30  # of the processor, for what steps do not measure; a render takes milliseconds
MAX_TEXT = 4_000_000  # characters of one string, items of one list
MAX_BITS = 4096  # of one integer
MAX_ITEMS = 100_000  # of a sequence that has no length, assumed
MAX_PADDING = 10_000  # a width or count given to a string method or filter

# Filters whose result may be far larger than what they are given.
_LARGE_FILTERS = (
    *("batch", "center", "format", "join", "pprint", "replace"),
    *("round", "slice", "string", "tojson", "truncate", "wordwrap"),
)
# Those that write a value out: what is in it twice is written twice.
_WRITING_FILTERS = ("join", "pprint", "string", "tojson")
# A width or precision of five digits, or one that is given as "*", in "%" formats and in "{}" ones;
# and one that is a value of its own.
_WIDTH = re.compile(r"%(\([^)]*\))?[-+ #0]*\d*\.?(\*|\d{5})|\{[^{}]*:[^{}]*\d{5}")
_WIDTH_GIVEN = re.compile(r"\{[^{}]*:[^{}]*\{")
_CHECK_EVERY = 256  # steps between two looks at the clock


class Limits:
    """The budget of one render."""

    def __init__(self) -> None:
        self._steps = 0
        self._next_look = 0
        self._end = time.thread_time() + MAX_SECONDS

    def spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps >= self._next_look:
            self._look()

    def _look(self) -> None:
        if self._steps > MAX_STEPS:
            raise too_much(f"more than {MAX_STEPS:,} rounds of loops, or lines of text")
        if time.thread_time() > self._end:
            raise too_much(f"more than {MAX_SECONDS} seconds")
        self._next_look = self._steps + _CHECK_EVERY

    def spend_value(self, value: Any, cost: int = 1) -> None:
        """A value is written out: each part of it costs steps, as often as it appears."""
        todo = [value]
        while todo:
            part = todo.pop()
            if isinstance(part, dict):
                part = [*part, *part.values()]
            if isinstance(part, (list, tuple, set, frozenset)):
                self.spend(len(part) * cost)
                todo.extend(part)

    def spend_text(self, length: int) -> None:
        """A string or list of this length is made."""
        _refuse_length(length)
        self.spend(length // 100)

    def counted(self, items: Iterable[Any]) -> Iterable[Any]:
        """The same items, each of which is a step."""
        if isinstance(items, Sized):
            self.spend(len(items))
            return items
        return self._count(iter(items))

    def _count(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self.spend(1)
            yield item

    def operation(self, operator: str, left: Any, right: Any) -> None:
        """Before ``left operator right`` is computed."""
        if operator == "**" and isinstance(left, int) and isinstance(right, int):
            if max(left.bit_length(), 1) * abs(right) > MAX_BITS:
                raise too_much("the number is too large")
        elif operator == "*":
            self._product(left, right)
            self._product(right, left)
        elif operator == "%" and isinstance(left, (str, bytes)):
            _refuse_format(str(left))
        elif operator == "+" and isinstance(left, Sized) and isinstance(right, Sized):
            self.spend_text(len(left) + len(right))

    def _product(self, number: Any, other: Any) -> None:
        if not isinstance(number, int):
            return
        if isinstance(other, Sized):
            self.spend_text(len(other) * number)
        elif number.bit_length() > MAX_BITS:
            raise too_much("the number is too large")


def bounded_filters(filters: dict[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Filters that could make something huge, with what they are given checked."""
    return {name: _bounded(name, filters[name]) for name in _LARGE_FILTERS}


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)  # keeps Jinja's marks, too
    def checked(*args: Any, **kwargs: Any) -> Any:
        refuse_huge(name, [*args, *kwargs.values()])
        return function(*args, **kwargs)

    return checked


def refuse_huge(name: str, values: list[Any]) -> None:
    """Before a filter, or a method of a string (which is then the first value), is called."""
    texts = [value for value in values if isinstance(value, str)]
    if name == "replace" and len(texts) == 3:
        _refuse_length(len(texts[0]) + texts[0].count(texts[1]) * len(texts[2]))
    elif name == "join" and texts:
        items = next((v for v in values if isinstance(v, (list, tuple, dict))), None)
        _refuse_length(len(texts[0]) * (MAX_ITEMS if items is None else len(items)))
    elif name in ("format", "format_map"):
        _refuse_format(texts[0] if texts else "", values)
    elif name not in _WRITING_FILTERS or name == "tojson":
        _refuse_padding(values)
    if name in _WRITING_FILTERS:
        for value in values:
            Limits().spend_value(value)


def _refuse_length(length: int) -> None:
    if length > MAX_TEXT:
        raise too_much(f"more than {MAX_TEXT:,} characters or items")


def _refuse_padding(values: Iterable[Any]) -> None:
    if any(isinstance(value, int) and abs(value) > MAX_PADDING for value in values):
        raise too_much(f"a width or count of more than {MAX_PADDING:,}")


def _refuse_format(pattern: str, values: Iterable[Any] = ()) -> None:
    if _WIDTH.search(pattern):
        raise too_much("a width in a format that is too large, or not a number")
    if _WIDTH_GIVEN.search(pattern):
        _refuse_padding(values)


def too_much(what: str) -> TemplateError:
    return TemplateError(
        f"this template does too much work: {what}",
        hint="a config describes what is to be done; compute elsewhere",
        code=codes.TOO_MUCH,
    )
