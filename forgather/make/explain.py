"""Why a task would run: the chain of reasons, down to the line of a template that changed.

Reasons are data (:class:`Reason`); the text is made in one place. What is compared is the config as
it was when the task ran last with the config as it is now, graph with graph: a moved line or a
comment is no reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.errors import ForgatherError, Span
from forgather.graph import serial
from forgather.graph.compare import Change, compare
from forgather.make.build import Build
from forgather.make.compile import expand
from forgather.make.projection import project_training
from forgather.make.state import Record
from forgather.make.target import Target

HEADINGS = {
    "current": "is up to date",
    "run": "would run",
    "wait": "runs if what it depends on comes out different",
}
# The parts of a config that an artifact is made of, by its kind.
PARTS = {
    "tokenizer": ("tokenizer",),
    "dataset": ("corpus", "train_dataset", "eval_dataset"),
    "model": ("model_package",),
}


COMPARED = frozenset({"graph", "train", *PARTS})  # kinds that are made of a config's graph


@dataclass(frozen=True)
class Reason:
    """Whether a task would run, what differs, and the same of what it depends on.

    state: "current", "run" or "wait" (what it depends on would run first; it runs if that differs).
    """

    task: str
    state: str
    facts: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    causes: tuple[Reason, ...] = field(default=())


def explain(build: Build, target: Target, find: Callable[[str], Target]) -> Reason:
    """The reasons of ``target``; ``find`` gives the targets it depends on by name."""
    causes = [explain(build, find(name), find) for name in target.deps]
    causes = [cause for cause in causes if cause.state != "current"]
    if target.is_alias:
        return Reason(target.name, "wait" if causes else "current", (), (), tuple(causes))
    facts: tuple[str, ...]
    try:
        verdict = build.verdict(target)
        state = "current" if verdict.is_current else "run"
        facts = verdict.reasons
    except ForgatherError as error:
        state, facts = "run", (error.message,)
    if state == "current" and causes:
        state = "wait"
    changes: tuple[Change, ...] = ()
    record = build.state.last(target.name)
    if state == "run" and record is not None:
        changes = tuple(config_changes(build, target, record))
        if changes:  # they say in words what a digest of the graph only says
            facts = tuple(fact for fact in facts if "graph" not in fact.split(".")[0:3])
    return Reason(target.name, state, facts, changes, tuple(causes))


def config_changes(build: Build, target: Target, record: Record) -> Iterator[Change]:
    """What differs in the part of the config that ``target`` is made of."""
    if target.kind not in COMPARED or not record.config:
        return
    before = {name: build.store.blob(sha) for name, sha in record.config.items()}
    if not all(path.is_file() for path in before.values()):
        return
    roots = target.compiled.roots
    old = _Config(before["graph"], before["spans"], roots)
    new = _Config(target.compiled.files["graph"], target.compiled.files["spans"], roots)
    yield from compare(old.part(target.kind), new.part(target.kind), old.spans, new.spans)


class _Config:
    """A compiled config on disk, with its places."""

    def __init__(self, graph: Path, spans: Path, roots: Mapping[str, str]) -> None:
        self.spans = {
            path: Span(template, line, path=expand(file, roots) or None)
            for path, (template, line, file) in json.loads(spans.read_text()).items()
        }
        self.root = serial.loads(graph.read_text(), roots=roots, spans=self.spans)

    def part(self, kind: str) -> Any:
        if kind == "train" and "trainer" in self.root:
            return {"trainer": project_training(self.root, frozenset())}
        names = PARTS.get(kind)
        if names is None:
            return self.root
        return {name: self.root[name] for name in names if name in self.root}


def lines(reason: Reason, place: Callable[[Span], str]) -> Iterator[str]:
    """The chain as text, from the target down to the changed line; each task is described once."""
    said: set[str] = set()

    def say(one: Reason, depth: int) -> Iterator[str]:
        indent = "  " * depth
        if one.task in said:
            return
        said.add(one.task)
        yield f"{indent}{one.task} {HEADINGS[one.state]}"
        for change in one.changes:
            span = change.new_span or change.old_span
            where = f"{place(span)} " if span else ""
            old, new = change.old or "(nothing)", change.new or "(nothing)"
            yield f"{indent}  {where}{change.path}: {old} -> {new}"
        for fact in one.facts:
            yield f"{indent}  {fact}"
        for cause in one.causes:
            yield from say(cause, depth + 1)

    return say(reason, 0)
