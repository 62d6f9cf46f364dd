"""Do these arguments fit this constructor? Asked of its signature, without calling it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from forgather.errors import Span, did_you_mean

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class ArgumentProblem:
    """One argument that does not fit.

    key: the keyword, the index of a positional argument, or None for one that is missing.
    """

    message: str
    hint: str | None
    key: str | int | None

    def place(self, spans: Mapping[str | int, Span]) -> Span | None:
        """Where it stands, given the places of the values; of a keyword, the word itself."""
        span = spans.get(self.key) if self.key is not None else None
        return span.at(self.key) if span and isinstance(self.key, str) else span


def argument_problems(
    constructor: Callable[..., Any],
    count: int,
    keywords: Collection[str],
    *,
    partial: bool = False,
) -> Iterator[ArgumentProblem]:
    """What is wrong with ``count`` positional arguments and these keywords.

    With ``partial``, more arguments may come later, so nothing is missing. Yields nothing for a
    constructor without a readable signature (some builtins).
    """
    try:
        parameters = list(inspect.signature(constructor).parameters.values())
    except (TypeError, ValueError):
        return
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    takes_more = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    if count > len(positional) and not takes_more:
        yield ArgumentProblem(
            f"takes {_plural(len(positional), 'positional argument')}, {count} given",
            _names_hint(parameters),
            len(positional),
        )
    yield from _keyword_problems(parameters, positional[:count], keywords)
    if not partial:
        yield from _missing(parameters, positional[:count], keywords)


def _keyword_problems(
    parameters: list[inspect.Parameter], filled: list[inspect.Parameter], keywords: Collection[str]
) -> Iterator[ArgumentProblem]:
    known = [p.name for p in parameters if p.kind in _NAMED]
    takes_any = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
    twice = {p.name for p in filled if p.kind in _NAMED}
    for keyword in keywords:
        if keyword in twice:
            yield ArgumentProblem(f"gets the argument {keyword!r} twice", None, keyword)
        elif keyword not in known and not takes_any:
            hint = did_you_mean(keyword, known) if known else "it takes no keyword arguments"
            yield ArgumentProblem(f"has no argument {keyword!r}", hint, keyword)


def _missing(
    parameters: list[inspect.Parameter], filled: list[inspect.Parameter], keywords: Collection[str]
) -> Iterator[ArgumentProblem]:
    given = {p.name for p in filled} | {*keywords}
    missing = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind in (*_NAMED, *_POSITIONAL) and p.name not in given
    ]
    if missing:
        names = ", ".join(repr(name) for name in missing)
        what = "argument" if len(missing) == 1 else "arguments"
        yield ArgumentProblem(f"is missing the {what} {names}", _names_hint(parameters), None)


def _names_hint(parameters: list[inspect.Parameter]) -> str | None:
    if not parameters:
        return "it takes no arguments"
    return "its arguments: " + ", ".join(str(p).partition(":")[0] for p in parameters[:12])


def _plural(count: int, what: str) -> str:
    return f"no {what}s" if count == 0 else f"{count} {what}" + ("s" if count > 1 else "")
