"""What lies in a store or cache: its entries and blobs, by names, sizes and dates. Reads no blob.

Knows nothing of who needs them: that is for :mod:`forgather.make.upkeep.references` to say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from forgather.make.storage.entry import Entry
from forgather.make.storage.traces import PLACES

CONFIG = "config"  # the kind of compiled configs: what pp and graph publish
MANIFEST = "manifest"  # of entries that only tell where to look (traces.py)
UNKNOWN = "unknown"
BROKEN = "broken"


@dataclass(frozen=True)
class File:
    """A file of a store. inode: the same for all names of one file; links: how many those are."""

    name: str
    path: Path
    size: int
    used: float
    inode: tuple[int, int]
    links: int


@dataclass(frozen=True)
class Stored:
    """An entry as it lies there; ``entry`` is None where its file cannot be understood."""

    file: File
    entry: Entry | None

    @property
    def key(self) -> str:
        return self.file.name

    @property
    def kind(self) -> str:
        return BROKEN if self.entry is None else kind_of(self.entry)


def kind_of(entry: Entry) -> str:
    """The kind of task that made an entry, ``config`` or ``manifest``."""
    kind = entry.provenance.get("kind")
    if isinstance(kind, str):
        return kind
    if "graph.json" in entry.outputs:
        return CONFIG
    return MANIFEST if PLACES in entry.values else UNKNOWN


def task_of(entry: Entry) -> str | None:
    """The task that made it, in the checkout that made it."""
    task = entry.provenance.get("task")
    return task if isinstance(task, str) else None


def files(folder: Path) -> Iterator[File]:
    """The files in a folder of a store, by name; what is being written there has a dot."""
    try:
        found = sorted(os.scandir(folder), key=lambda item: item.name)
    except FileNotFoundError:
        return
    for item in found:
        try:
            stat = item.stat(follow_symlinks=False)
        except FileNotFoundError:  # removed meanwhile
            continue
        if not item.name.startswith("."):
            inode = (stat.st_dev, stat.st_ino)
            path = Path(item.path)
            yield File(item.name, path, stat.st_size, stat.st_mtime, inode, stat.st_nlink)


def blobs(root: Path) -> dict[str, File]:
    return {file.name: file for file in files(root / "cas")}


def entries(root: Path) -> Iterator[Stored]:
    """Every entry, one at a time: all of them together are large."""
    for file in files(root / "ac"):
        yield Stored(file, read_entry(file.path))


def read_entry(path: Path) -> Entry | None:
    try:
        return Entry.loads(path.read_bytes(), path.name)
    except (OSError, ValueError):
        return None
