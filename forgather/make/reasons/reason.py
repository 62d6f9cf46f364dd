"""Reasons as data, and their one text: from the target down to the changed line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forgather.errors import Span
from forgather.graph.compare import Change
from forgather.make.reasons.facts import Fact

HEADINGS = {
    "current": "is up to date",
    "run": "would run",
    "restore": "would come from the store",
    "alias": "is the same as",
    "wait": "runs if what it depends on comes out different",
    "ran": "ran",
    "none": "has not run here",
}
SHOWN_CHANGES = 12  # changed values of one config that are shown; the rest is counted


@dataclass(frozen=True)
class Reason:
    """Whether a task would run, what differs, and the same of what it depends on.

    state: "current", "run", "restore" (it was made before, or elsewhere), "wait" (what it depends on
    would run first; it runs if that differs), "alias" (nothing of its own: what it depends on is it),
    "ran" (the last run is meant) or "none" (there was none).
    """

    task: str
    state: str
    facts: tuple[Fact, ...] = ()
    changes: tuple[Change, ...] = ()
    causes: tuple[Reason, ...] = ()
    time: str | None = None  # of the last run, where it is meant and known


def lines(reason: Reason, root: Path) -> Iterator[str]:
    """The chain as text. Each task is described once."""
    tasks: set[str] = set()

    def say(one: Reason, depth: int) -> Iterator[str]:
        if one.task in tasks:
            return
        tasks.add(one.task)
        time = f" ({one.time[:19].replace('T', ' ')} UTC)" if one.time else ""
        is_told = bool(one.causes) and all(cause.task in tasks for cause in one.causes)
        above = ", as told above" if is_told else ""
        yield f"{'  ' * depth}{one.task} {HEADINGS[one.state]}{time}{above}"
        for text in dict.fromkeys(_texts(one, root)):
            yield f"{'  ' * (depth + 1)}{text}"
        for cause in one.causes:
            yield from say(cause, depth + 1)

    return say(reason, 0)


def _texts(reason: Reason, root: Path) -> Iterator[str]:
    """What differs. That a graph does need not be said where its values are."""
    facts = [fact for fact in reason.facts if fact.kind != "graph" or not reason.changes]
    yield from (fact.text for fact in facts if fact.kind == "state")
    yield from change_lines(reason, root)
    yield from (fact.text for fact in facts if fact.kind != "state")


def change_lines(reason: Reason, root: Path) -> Iterator[str]:
    for change in reason.changes[:SHOWN_CHANGES]:
        span = change.new_span or change.old_span
        where = f"{place(span, root)} " if span else ""
        also = f" (and {len(change.also)} more places)" if change.also else ""
        yield f"{where}{change.path or 'the config'} {_values(change)}{also}"
    if len(reason.changes) > SHOWN_CHANGES:
        yield f"and {len(reason.changes) - SHOWN_CHANGES} more values"


def _values(change: Change) -> str:
    if change.old is None:
        return f"added: {change.new}"
    return f"removed: {change.old}" if change.new is None else f"{change.old} -> {change.new}"


def place(span: Span, root: Path) -> str:
    """``templates/a.yaml:3``, from the build root; a place outside of it whole."""
    path = span.path or span.template
    if path.startswith(f"{root}{os.sep}"):
        path = os.path.relpath(path, root)
    return f"{path}:{span.line}"


def as_json(reason: Reason, root: Path) -> dict[str, Any]:
    """The chain as plain data. ``line`` and ``file`` stand where there is a place."""

    def change(one: Change) -> dict[str, Any]:
        span = one.new_span or one.old_span
        where = place(span, root) if span else None
        data = {"kind": one.kind, "path": one.path, "old": one.old, "new": one.new, "at": where}
        return data | ({"also": list(one.also)} if one.also else {})

    def fact(one: Fact) -> dict[str, Any]:
        fields = {"kind": one.kind, "subject": one.subject, "text": one.text, "line": one.line}
        fields |= {"old": one.old, "new": one.new, "task": one.task}
        return {name: value for name, value in fields.items() if value is not None}

    found: dict[str, Any] = {"task": reason.task, "state": reason.state}
    if reason.time:
        found["time"] = reason.time
    found["facts"] = [fact(one) for one in reason.facts]
    found["changes"] = [change(one) for one in reason.changes]
    found["causes"] = [as_json(one, root) for one in reason.causes]
    return found
