"""Removes what was chosen from a store, while builds go on.

What holds at every instant, whatever is killed:

1. An entry that is there has all the blobs that it had: entries go before their blobs.
2. Nothing goes that a living process has pinned, or that was recorded by one that has ended since the
   collection began: both are read again at the start of each batch, under the lock that a process waits
   for before it looks whether something is there (:mod:`forgather.make.storage.pins`).
3. A blob goes only if no entry names it that is there when the batch begins.

Removing is a rename into a scratch folder, a few microseconds each; the bytes are given back after the
lock is. What a killed collection leaves there is the next one's garbage.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from forgather.make.storage.disk_cache import DiskCache, disk_errors
from forgather.make.storage.pins import Living, sweeping
from forgather.make.upkeep.contents import File, Stored, files, read_entry
from forgather.make.upkeep.garbage import Chosen, Item, Judged, item_of
from forgather.make.upkeep.references import References

BATCH = 1000
T = TypeVar("T")


@dataclass
class Freed:
    """linked: bytes that have other names, and so stay on the disk; spared: entries that were in use."""

    entries: int = 0
    blobs: int = 0
    size: int = 0
    linked: int = 0
    spared: int = 0

    def add(self, file: File) -> None:
        if file.links == 1:
            self.size += file.size
        else:
            self.linked += file.size


def expected(chosen: Chosen) -> Freed:
    """What would be freed, as things are."""
    freed = Freed(len(chosen.entries), len(chosen.blobs))
    for file in (*(item.file for item in chosen.entries), *chosen.blobs):
        freed.add(file)
    return freed


def sweep(cache: DiskCache, judged: Judged, chosen: Chosen, references: References | None) -> Freed:
    """Remove what was chosen, but for what has come into use. Raises BuildError (FG601)."""
    with disk_errors(cache.root), cache.staging("garbage") as trash:
        return _Sweep(cache.root, judged, references, trash).run(chosen)


class _Sweep:
    def __init__(
        self, root: Path, judged: Judged, references: References | None, trash: Path
    ) -> None:
        self.root = root
        self.references = references
        self.trash = trash
        self.freed = Freed()
        self.there = {item.key: item for item in judged.kept.values()}
        self.there |= {item.key: item for item in judged.garbage if item.key}
        self.needed = judged.needed

    def run(self, chosen: Chosen) -> Freed:
        for batch in _batches(chosen.entries):
            with self._batch() as living:
                for item in batch:
                    self._remove_entry(item, living)
        for batch in _batches(chosen.blobs):
            with self._batch() as living:
                named = self._named_now()
                for file in batch:
                    if file.name not in living.names and file.name not in named:
                        self.freed.blobs += self._remove(file)
        return self.freed

    @contextmanager
    def _batch(self) -> Iterator[Living]:
        with sweeping(self.root) as living:
            if self.references is not None:
                self.references.read_again()
            yield living
        for path in self.trash.iterdir():
            if path.is_dir() and not path.is_symlink():  # no entry and no blob, but it lay there
                shutil.rmtree(path)
            else:
                path.unlink()

    def _remove_entry(self, item: Item, living: Living) -> None:
        assert item.key is not None
        used = _date(item.file.path)
        if used is None:  # another collection was faster
            del self.there[item.key]
        elif used != item.file.used or item.key in living.names or self._is_recorded(item):
            self.freed.spared += 1
        else:
            self.freed.entries += self._remove(item.file)
            del self.there[item.key]

    def _is_recorded(self, item: Item) -> bool:
        if self.references is None:
            return False
        named = self.references.named
        return item.key in named.keys or item.config in named.configs

    def _named_now(self) -> set[str]:
        """Blobs of the entries that are there, with those that came or were replaced meanwhile."""
        named = set(self.needed)
        if self.references is not None:
            named |= self.references.named.blobs
        for file in files(self.root / "ac"):
            item = self.there.get(file.name)
            if item is None or item.file.used != file.used:
                item = self.there[file.name] = item_of(Stored(file, read_entry(file.path)))
            named |= item.shas
        return named

    def _remove(self, file: File) -> bool:
        try:
            os.rename(file.path, self.trash / file.name)
        except FileNotFoundError:
            return False
        self.freed.add(file)
        return True


def _date(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return None


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
