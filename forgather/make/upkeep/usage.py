"""How much a store holds: by kind of task, how much of it is shared, and how much is garbage.

From names, sizes and dates alone; no blob is read. *Named* are the bytes that entries say their outputs
have, *stored* those that lie on the disk, a file with several names counted once: the difference is what
keeping equal files once saves.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.make.storage.sources import FOLDER as SOURCES
from forgather.make.upkeep.contents import blobs, entries, files
from forgather.make.upkeep.garbage import Limits, choose, judge
from forgather.make.upkeep.leftovers import STAGING, tree_size
from forgather.make.upkeep.references import References
from forgather.make.upkeep.removal import Freed, expected


@dataclass
class Usage:
    """One store. kinds: kind of task -> entries and bytes that they name; stored: bytes of its blobs;
    described: bytes of the entries themselves; elsewhere: stored bytes that have other names outside of
    it, as the weights in an output directory."""

    root: Path
    kinds: dict[str, tuple[int, int]]
    entries: int
    blobs: int
    named: int
    stored: int
    described: int
    elsewhere: int
    garbage: Freed
    beside: dict[str, int] = field(default_factory=dict)  # source texts and scratch files
    inodes: dict[tuple[int, int], int] = field(default_factory=dict, repr=False)

    @property
    def shared(self) -> int:
        """What it saves to keep equal files once."""
        return max(self.named - self.stored, 0)

    def to_json(self) -> dict[str, Any]:
        return {
            "path": str(self.root),
            "kinds": {
                kind: {"entries": count, "named": size}
                for kind, (count, size) in self.kinds.items()
            },
            "entries": self.entries,
            "blobs": self.blobs,
            "named": self.named,
            "stored": self.stored,
            "shared": self.shared,
            "described": self.described,
            "elsewhere": self.elsewhere,
            "garbage": {
                "entries": self.garbage.entries,
                "blobs": self.garbage.blobs,
                "bytes": self.garbage.size,
                "linked": self.garbage.linked,
            },
            "beside": self.beside,
        }


def usage(root: Path, references: References | None, limits: Limits) -> Usage:
    """What the store at ``root`` holds; ``limits`` are those of a collection to be told about."""
    counts: Counter[str] = Counter()
    named: Counter[str] = Counter()
    for stored in entries(root):
        counts[stored.kind] += 1
        outputs = stored.entry.outputs.values() if stored.entry is not None else ()
        named[stored.kind] += sum(output.size for output in outputs)
    found = blobs(root)
    described = {file.inode: file.size for file in files(root / "ac")}
    inodes = {file.inode: file.size for file in found.values()}
    names = Counter(file.inode for file in found.values())
    linked = {file.inode for file in found.values() if file.links > names[file.inode]}
    return Usage(
        root,
        {kind: (counts[kind], named[kind]) for kind in sorted(counts)},
        counts.total(),
        len(found),
        named.total(),
        sum(inodes.values()),
        sum(described.values()),
        sum(inodes[inode] for inode in linked),
        expected(choose(judge(root, references), limits, time.time())),
        {SOURCES: tree_size(root / SOURCES), STAGING: tree_size(root / STAGING)},
        inodes | described,
    )


def total(found: Iterable[Usage]) -> int:
    """Bytes of several stores together; what they share by links is counted once."""
    inodes: dict[tuple[int, int], int] = {}
    for one in found:
        inodes |= one.inodes
    return sum(inodes.values())
