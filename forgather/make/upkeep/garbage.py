"""Which entries and blobs of a store are garbage, and which of them go first.

In a checkout's store garbage is what nothing refers to (:mod:`forgather.make.upkeep.references`). Whose the
entries of a cache are that checkouts share is not known: there the ones that were used longest ago go
first. Removes nothing: that is :mod:`forgather.make.upkeep.removal`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from forgather.make.upkeep.contents import MANIFEST, File, Stored, blobs, entries
from forgather.make.upkeep.leftovers import waiting_notes
from forgather.make.upkeep.references import References, config_of


@dataclass(frozen=True)
class Limits:
    """Which garbage goes: what was not used for so many seconds; the oldest, until so few bytes are
    left. Without either, all of it."""

    older_than: float | None = None
    max_size: int | None = None


@dataclass(frozen=True)
class Item:
    """An entry, or (``key`` None) a blob that no entry names."""

    key: str | None
    file: File
    shas: frozenset[str]
    config: tuple[str, str] | None = None


@dataclass
class Judged:
    """kept: entries with the blobs they name; garbage: the others, and blobs that none names;
    needed: blobs that are referred to by themselves."""

    kept: dict[str, Item]
    garbage: list[Item]
    blobs: dict[str, File]
    needed: set[str]

    @property
    def size(self) -> int:
        files = [item.file for item in (*self.kept.values(), *self.garbage) if item.key]
        return sum(file.size for file in (*files, *self.blobs.values()))


def judge(root: Path, references: References | None) -> Judged:
    """Tell what in the store at ``root`` is garbage; without references, all that may go by its age."""
    kept: dict[str, Item] = {}
    garbage: list[Item] = []
    manifests: list[Item] = []
    waiting = waiting_notes(root, time.time()) if references is None else set()
    found = blobs(root)
    for stored in entries(root):
        item = item_of(stored)
        if stored.kind == MANIFEST and references is not None:
            manifests.append(item)
        elif _is_kept(stored, references, waiting):
            kept[stored.key] = item
        else:
            garbage.append(item)
    for item in manifests:
        assert references is not None and item.key is not None
        if references.keeps_manifest(item.key):
            kept[item.key] = item
        else:
            garbage.append(item)
    needed = _needed(found, references)
    named = needed.union(*(item.shas for item in (*kept.values(), *garbage)))
    orphans = [
        Item(None, file, frozenset([sha])) for sha, file in found.items() if sha not in named
    ]
    return Judged(kept, garbage + orphans, found, needed)


def item_of(stored: Stored) -> Item:
    if stored.entry is None:
        return Item(stored.key, stored.file, frozenset())
    shas = frozenset(stored.entry.files.values())
    return Item(stored.key, stored.file, shas, config_of(stored.entry))


def _is_kept(stored: Stored, references: References | None, waiting: set[str]) -> bool:
    if stored.entry is None:
        return False
    return stored.key in waiting if references is None else references.keep(stored.entry)


def _needed(found: dict[str, File], references: References | None) -> set[str]:
    if references is None:
        return set()
    trainings = references.trainings
    linked = {sha for sha, file in found.items() if file.inode in trainings.inodes}
    return references.named.blobs | trainings.shards | linked


@dataclass
class Chosen:
    """What is to go: entries, and blobs; in that order."""

    entries: list[Item] = field(default_factory=list)
    blobs: list[File] = field(default_factory=list)


def choose(judged: Judged, limits: Limits, now: float) -> Chosen:
    """The garbage that goes under these limits, the oldest first."""
    chosen = Chosen()
    users = Counter(sha for item in judged.kept.values() for sha in item.shas)
    users.update(sha for item in judged.garbage if item.key for sha in item.shas)
    size = judged.size
    for item in sorted(judged.garbage, key=lambda item: item.file.used):
        if not _goes(item, limits, now, size):
            continue
        if item.key is not None:
            chosen.entries.append(item)
            users.subtract(item.shas)
            size -= item.file.size
        for sha in sorted(item.shas):
            file = judged.blobs.get(sha)
            if file is not None and users[sha] <= 0 and sha not in judged.needed:
                chosen.blobs.append(file)
                size -= file.size
    return chosen


def _goes(item: Item, limits: Limits, now: float, size: int) -> bool:
    if limits.older_than is None and limits.max_size is None:
        return True
    is_old = limits.older_than is not None and now - item.file.used > limits.older_than
    return is_old or (limits.max_size is not None and size > limits.max_size)
