"""What differs between two makings of a task, followed through what each was made from.

Known from the provenance that the store keeps with each artifact: no records, no configs as they are
now. What the store has lost ends the chain.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from forgather.graph.compare import Change
from forgather.make.build import Build
from forgather.make.origin.provenance import is_whole, joined_reads, sources_in
from forgather.make.reasons.config_changes import changes_between
from forgather.make.reasons.data_facts import data_facts
from forgather.make.reasons.facts import Fact, Facts
from forgather.make.reasons.reason import Reason
from forgather.make.roots import expand
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.sources import Sources
from forgather.make.storage.store import Store
from forgather.resources import forgather_dir
from forgather.workspace.find import user_templates

# Inputs that are files of another task's result, by the kind of task that has them.
RESULTS = {
    "checkpoint": {"weights": "train", "package": "model"},
    "plot": {"log": "train"},
}
SAME = "nothing that is recorded differs: it does not always come out the same"
Origin = Mapping[str, Any]  # see forgather.make.origin.provenance


def made_by(task: str, needs: Iterable[str]) -> dict[str, str]:
    """The tasks behind inputs of ``task`` that do not name them."""
    kinds = RESULTS.get(task.partition(":")[0], {})
    found = {need.partition(":")[0]: need for need in needs}
    return {name: found[kind] for name, kind in kinds.items() if kind in found}


def near(store: Store) -> Store:
    """The store without what lies behind a network: a question must not wait for that."""
    return Store(store.local, store.digests, shared=store.shared, signer=store.signer)


class Lineage:
    """beside: the store of another checkout, in which more may be known."""

    def __init__(self, build: Build, beside: Path | None = None) -> None:
        self.root = build.root
        self.directory = build.directory
        self.store = near(build.store)
        self.beside = None if beside is None else Store(DiskCache(beside), build.digests)
        self.sources = Sources.of(build.store)

    def origin(self, entry: str) -> Origin:
        """The provenance that the store has with an entry; empty where it has none."""
        found = self.store.get(entry)
        if found is None and self.beside is not None:
            found = self.beside.get(entry)
        return found.provenance if found is not None and is_whole(found.provenance) else {}

    def between(self, task: str, then: Origin, now: Origin) -> Reason:
        """Why ``task``, whose provenance was ``then``, was made anew as ``now``."""
        roots = self.roots(now)
        compared = self.facts(task, roots, now, now["inputs"])
        facts = compared.of(then["inputs"], now["inputs"])
        changes: list[Change] = []
        if any(fact.kind == "graph" for fact in facts):
            blobs = then["compiled"], now["compiled"]
            changes = changes_between(self.store, now["kind"], *blobs, roots)
            facts += self.edited(compared, then, now)
        facts += data_facts(compared, *(expand(one["data"], roots) for one in (then, now)))
        facts = facts or [Fact("state", task, SAME)]
        causes = self.causes(facts, then, now)
        return Reason(task, "ran", tuple(facts), tuple(changes), tuple(causes), now["time"])

    def causes(self, facts: Iterable[Fact], then: Origin, now: Origin) -> list[Reason]:
        """Why what it was made from came out different, as far as the store knows it."""
        found = (self.need(fact.task, then, now) for fact in facts if fact.task is not None)
        return [reason for reason in dict.fromkeys(found) if reason is not None]

    def need(self, task: str, then: Origin, now: Origin) -> Reason | None:
        """Why the ``task`` that both were made from had come out different; None if it is not known."""
        entry = (now.get("needs") or {}).get(task, {}).get("entry")
        return self.since(task, then, entry) if entry is not None else None

    def since(self, task: str, then: Origin, entry: str) -> Reason | None:
        """Why ``task`` came out as ``entry``, another than ``then`` was made from; None if unknown."""
        used = (then.get("needs") or {}).get(task, {}).get("entry")
        before, after = ({} if one is None else self.origin(one) for one in (used, entry))
        return self.between(task, before, after) if before and after else None

    def edited(self, facts: Facts, then: Origin, now: Origin) -> list[Fact]:
        """The edited lines of templates."""
        if "templates" not in then or "templates" not in now:
            return []
        return list(facts.reads(joined_reads(then), joined_reads(now)))

    def facts(
        self, task: str, roots: Mapping[str, str], origin: Origin, inputs: Mapping[str, Any]
    ) -> Facts:
        """Compares inputs of ``task``; its source files are found by what ``origin`` says."""
        places = {sha: place for place, sha in (origin.get("code") or {}).items()}
        files = {name: places[sha] for name, sha in sources_in(inputs) if sha in places}

        def find(name: str) -> Path | None:
            return Path(expand(files[name], roots)) if name in files else None

        results = made_by(task, origin.get("needs") or {})
        return Facts(self.root, roots, self.sources, find, results)

    def roots(self, origin: Origin) -> dict[str, str]:
        """What ``${name}`` stands for in this checkout, as far as it is known."""
        root = str(self.root)
        roots = {"forgather": str(forgather_dir()), "root": root, "user": user_templates()}
        roots["build"] = str(self.directory)
        recorded = (origin.get("config") or {}).get("roots") or {}
        places = {name: os.path.join(root, path) for name, path in recorded.items()}
        return roots | {name: os.path.normpath(path) for name, path in places.items()}
