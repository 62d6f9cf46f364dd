"""Why a task ran when it ran last.

The record of a task keeps key, inputs and config of the one that it replaced. Why what it was made
from had come out different is told by the store, which has the provenance of both; where it has lost
one, by the record, if that is of the same time. Where neither is so, that is said, and the chain ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forgather.graph.compare import Change
from forgather.make.build import Build
from forgather.make.reasons.config_changes import changes_between
from forgather.make.reasons.data_facts import data_facts
from forgather.make.reasons.facts import GONE, Fact, variable_fact
from forgather.make.reasons.lineage import Lineage, Origin
from forgather.make.reasons.reason import Reason
from forgather.make.state import Record
from forgather.make.sweeps import variants

UNBUILT = "never built here"
OTHER_KEYS = "Forgather made its keys in another way by then"
LOST = "was made again since; why it ran before is not recorded"


def given(task: str) -> dict[str, Any]:
    """The values of variables that stand in the name of a task."""
    suffix = variants.split(task)[1]
    return {} if suffix is None else variants.parse(suffix)


class History:
    """The last runs of the tasks of a build root; each is looked at once."""

    def __init__(self, build: Build) -> None:
        self.state = build.state
        self.lineage = Lineage(build)
        self._known: dict[str, Reason] = {}

    def __call__(self, task: str) -> Reason:
        if task not in self._known:
            self._known[task] = Reason(task, "none")  # ends a circle, should there be one
            self._known[task] = self._explain(task)
        return self._known[task]

    def _explain(self, task: str) -> Reason:
        record = self.state.last(task)
        if record is None:
            return Reason(task, "none")
        before = record.before
        if before.get("again") or before.get("key", record.key) == record.key:
            facts = self._data(task, record) or _said(task, record.reasons or [UNBUILT])
            return Reason(task, "ran", tuple(facts), time=record.time)
        return self._of_key(task, record)

    def _of_key(self, task: str, record: Record) -> Reason:
        """It had another key before."""
        origin, before = self._origin(task, record), record.before
        earlier = self.lineage.origin(before.get("entry") or before["key"])
        roots = self.lineage.roots(origin)
        compared = self.lineage.facts(task, roots, origin, record.inputs)
        facts = compared.of(before["inputs"], record.inputs)
        changes: list[Change] = []
        causes: list[Reason] = []
        if any(fact.kind == "graph" for fact in facts):
            kind, store = task.partition(":")[0], self.lineage.store
            changes = changes_between(store, kind, before["config"], record.config, roots)
            causes = self._rendered(task, record)
            facts += [] if causes else self.lineage.edited(compared, earlier, origin)
        facts = facts or [Fact("forgather", "key", OTHER_KEYS)]
        tasks = dict.fromkeys(fact.task for fact in facts if fact.task is not None)
        causes += [self._needed(name, record, earlier, origin) for name in tasks]
        facts += self._data(task, record)
        return Reason(task, "ran", tuple(facts), tuple(changes), tuple(causes), record.time)

    def _origin(self, task: str, record: Record) -> Origin:
        """Where it comes from; at least of which config, where the store has lost the rest."""
        known = record.provenance or self.lineage.origin(record.entry or record.key)
        if "config" in known:
            return known
        rendered = self.state.last(f"pp:{task.partition(':')[2]}")
        return {} if rendered is None else {"config": rendered.provenance.get("config")}

    def _data(self, task: str, record: Record) -> list[Fact]:
        """What had happened to data files."""
        if "reads" not in record.before:
            return []
        origin = self._origin(task, record)
        compared = self.lineage.facts(task, self.lineage.roots(origin), origin, record.inputs)
        return data_facts(compared, record.before["reads"], record.reads)

    def _needed(self, name: str, record: Record, then: Origin, now: Origin) -> Reason:
        """Why what the task was made from had come out different, or was used at all."""
        reason = self.lineage.need(name, then, now)
        if reason is not None:
            return reason
        made = self.state.last(name)
        if made is None or (made.time <= record.time and _is_used(made, record.inputs)):
            return self(name)
        return Reason(name, "ran", (Fact("state", name, LOST),))

    def _rendered(self, task: str, record: Record) -> list[Reason]:
        """The run of ``pp`` that led to this one, if it is still the last one."""
        name = f"pp:{task.partition(':')[2]}"
        pp = self.state.last(name)
        if pp is None or name == task or not pp.before:
            return []
        same = pp.config == record.config and pp.before.get("config") == record.before["config"]
        return [self(name)] if same else []


def _said(task: str, texts: list[str]) -> list[Fact]:
    facts = [Fact("state", task, text) for text in texts]
    values = given(task).items() if texts == [UNBUILT] else ()
    return facts + [variable_fact(name, GONE, value) for name, value in values]


def _is_used(made: Record, inputs: Any) -> bool:
    """Does a key with these inputs name this result, or a file of it?"""
    wanted = {made.digest, *made.files.values()}

    def found(value: Any) -> bool:
        if isinstance(value, Mapping):
            return any(map(found, value.values()))
        return isinstance(value, str) and value in wanted

    return found(inputs)
