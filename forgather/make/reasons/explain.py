"""Why a task would run now: the chain of reasons, down to the line of a template that changed.

The inputs of the key are compared with those of the last run, and the config as it was then with the
config as it is, graph with graph: a moved line or a comment is no reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from forgather.errors import ForgatherError
from forgather.graph.compare import Change
from forgather.make.catalog import Catalog
from forgather.make.origin.provenance import code_files_of, compiled_blobs, joined_reads
from forgather.make.plan import own_variables
from forgather.make.reads import digest_at
from forgather.make.reasons.config_changes import changes_between
from forgather.make.reasons.data_facts import data_facts, reads_now
from forgather.make.reasons.facts import Fact, Facts, leaves, variable_fact
from forgather.make.reasons.history import UNBUILT, History, given
from forgather.make.reasons.lineage import made_by
from forgather.make.reasons.reason import Reason
from forgather.make.reasons.supposed import Supposed
from forgather.make.roots import expand
from forgather.make.state import Record, damaged_output
from forgather.make.storage.traces import find as find_traced
from forgather.make.survey import survey
from forgather.make.sweeps import variants
from forgather.make.target import Target
from forgather.runs.ledger import read_ledger

FORGOTTEN = "it was forgotten"


def explain(catalog: Catalog, task: str) -> Reason:
    """Why the next build would run ``task``, or that it would not."""
    return Explainer(catalog)(task)


def explain_last(catalog: Catalog, task: str) -> Reason:
    """Why ``task`` ran when it ran last. Needs no config: it may be broken, or gone, by now."""
    history = History(catalog.build)
    reason = history(task)
    if reason.state != "none":
        return reason
    try:
        target = catalog.target(task)
    except ForgatherError:
        return reason
    if not target.is_alias:
        return reason
    return Reason(task, "alias", causes=tuple(map(history, target.deps)))


class Explainer:
    """Reasons of tasks; each is looked at once. Raises ForgatherError for names of nothing."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.build = catalog.build
        self.history = History(catalog.build)
        self.supposed = Supposed(catalog.build)
        self.sources = self.history.lineage.sources
        self.near = self.history.lineage.store
        self._known: dict[str, Reason] = {}

    def __call__(self, task: str) -> Reason:
        if task not in self._known:
            # What a stamp says to be current needs no look, and its config is not compiled.
            known = survey(self.build.stamps, self.catalog.index, [task]).current
            self._known |= {name: Reason(name, "current") for name in known}
        if task not in self._known:
            self._known[task] = self._explain(self.catalog.target(task))
        return self._known[task]

    def _explain(self, target: Target) -> Reason:
        causes = [self(name) for name in target.deps]
        causes = [cause for cause in causes if cause.state != "current"]
        if target.is_alias:
            return Reason(target.name, "alias" if causes else "current", causes=tuple(causes))
        facts, changes, key = self._differences(target)
        state = "run" if facts or changes else "wait" if causes else "current"
        if state == "run" and target.kind == "train" and key is not None:
            facts += _interrupted(target, key)
        if state == "run" and not causes and key is not None and self._is_stored(target, key):
            state = "restore"
        told = {cause.task for cause in causes}
        causes += [self._cause(name, target) for name in _tasks(facts) if name not in told]
        causes = [cause for cause in causes if cause.state not in ("current", "none")]
        return Reason(target.name, state, tuple(facts), tuple(changes), tuple(causes))

    # what differs

    def _differences(self, target: Target) -> tuple[list[Fact], list[Change], str | None]:
        """What differs from the last run, and the key; nothing where the target is up to date."""
        record = self.build.state.last(target.name)
        try:
            key, inputs = self.supposed.key(target)
        except ForgatherError as error:  # what it needs was never made, or cannot be read
            facts = _said(target, UNBUILT if record is None else error.message)
            return facts, [], None
        if record is None:
            return *self._beside_siblings(target), key
        facts = _said(target, FORGOTTEN) if self.build.state.is_forgotten(target.name) else []
        facts += data_facts(
            self._facts(target), record.reads, reads_now(record.reads, self.build.digests)
        )
        if key == record.key:
            damage = damaged_output(record, self.build.root, self.build.digests)
            return facts + (_said(target, damage) if damage and not facts else []), [], key
        found, changes = self._of_key(target, record, inputs)
        return facts + found, changes, key

    def _of_key(
        self, target: Target, record: Record, inputs: dict[str, Any]
    ) -> tuple[list[Fact], list[Change]]:
        facts = self._facts(target).of(record.inputs, inputs)
        if not facts:
            return [Fact("forgather", "key", "Forgather makes its keys in another way now")], []
        if not any(fact.kind == "graph" for fact in facts):
            return facts, []
        changes = self._changes(target, record.config)
        return [*facts, *self._edited_already(target, record)], changes

    def _changes(self, target: Target, before: dict[str, str]) -> list[Change]:
        now, roots = compiled_blobs(target.compiled), target.compiled.roots
        return changes_between(self.near, target.kind, before, now, roots)

    def _beside_siblings(self, target: Target) -> tuple[list[Fact], list[Change]]:
        """Of a variant that was never built: what it has different from one that was."""
        found = self._sibling(target)
        if found is None:
            return _said(target, UNBUILT), []
        sibling, record = found
        theirs, ours = given(sibling), own_variables(target.compiled.instance)
        facts = [variable_fact(".".join(path), *both) for path, *both in leaves(theirs, ours)]
        text = f"{UNBUILT}; what differs from {sibling}:"
        return [*_said(target, text), *facts], self._changes(target, record.config)

    def _sibling(self, target: Target) -> tuple[str, Record] | None:
        """The task of the same config, built before, whose variables are most like the target's."""
        config, suffix = variants.split(target.id)
        ours = own_variables(target.compiled.instance)
        if suffix is None or not ours:
            return None
        best, most = None, -1
        for task in self.build.state.tasks():
            kind, _, name = task.partition(":")
            if (kind, variants.split(name)[0]) != (target.kind, config):
                continue
            theirs = given(task)
            alike = sum(name in theirs and theirs[name] == ours[name] for name in ours)
            if alike > most:
                best, most = task, alike
        record = self.build.state.last(best) if best is not None else None
        return (best, record) if best is not None and record is not None else None

    def _facts(self, target: Target) -> Facts:
        @cache
        def files() -> dict[str, Path]:  # all that a model is made by: only if one has changed
            return code_files_of(self.build, target)

        def find(name: str) -> Path | None:
            return files().get(name)

        roots, results = target.compiled.roots, made_by(target.name, target.deps)
        return Facts(self.build.root, roots, self.sources, find, results)

    def _edited_already(self, target: Target, record: Record) -> list[Fact]:
        """Edited lines where ``pp`` has run since, so that it has nothing to tell."""
        if target.kind == "pp" or self(f"pp:{target.id}").state != "current":
            return []
        entry = self.near.get(record.entry or record.key)
        if entry is None or "templates" not in entry.provenance:
            return []
        then, now = joined_reads(entry.provenance), target.compiled.data["inputs"]["reads"]
        return list(self._facts(target).reads(then, now))

    # what others have to do with it

    def _is_stored(self, target: Target, key: str) -> bool:
        """Would the build find it in the store, and run nothing?"""
        if self.build.rules[target.kind].outputs or self.build.state.is_forgotten(target.name):
            return False
        roots, digests = target.compiled.roots, self.build.digests
        return (
            find_traced(self.near, key, lambda place: digest_at(expand(place, roots), digests))
            is not None
        )

    def _cause(self, task: str, target: Target) -> Reason:
        """Why what ``task`` made is another than what ``target`` was made from."""
        try:
            reason = self(task)
        except ForgatherError:  # the config that it belongs to is gone or broken
            return self.history(task)
        if reason.state != "current":
            return reason
        used, made = (self.build.state.last(name) for name in (target.name, task))
        found = None
        if used is not None and made is not None:
            lineage = self.history.lineage
            then = lineage.origin(used.entry or used.key)
            found = lineage.since(task, then, made.entry or made.key)
        return found or self.history(task)


def _interrupted(target: Target, key: str) -> list[Fact]:
    """Was this very training begun, and not finished?"""
    output = target.compiled.meta.get("output_dir")
    ledger = read_ledger(Path(output)) if output else {}
    if ledger.get("key") != key or ledger.get("status") != "running":
        return []
    return _said(target, f"it was begun ({ledger['started']}) and goes on where it stopped")


def _said(target: Target, text: str) -> list[Fact]:
    return [Fact("state", target.name, text)]


def _tasks(facts: Iterable[Fact]) -> list[str]:
    return list(dict.fromkeys(fact.task for fact in facts if fact.task is not None))
