"""What lies in a store besides entries and blobs, and can be left over there.

* scratch files in ``staging/``: garbage when their process is dead, which its pins tell;
* texts in ``sources/`` that nothing mentions;
* notes of uploads in ``outbox/``: garbage when the entry is gone. A note that has waited for a month
  does not keep its entry any longer;
* half-written files of killed processes, whose names begin with a dot;
* files of leases in ``locks/`` that nobody holds.

All of it may be lost at any time; nothing here is needed to build.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from forgather.make.lock import is_unheld, remove_unheld
from forgather.make.storage.pins import Living
from forgather.make.storage.sources import FOLDER as SOURCES

DAY = 86400.0
NOTE_SECONDS = 30 * DAY
SOURCE_SECONDS = 3600.0  # a text is kept a moment before the entry that mentions it is written
OUTBOX = "outbox"
STAGING = "staging"
SENDING = ".sending"  # at the end of a note that is being worked on
NOTE = re.compile(r"[0-9a-f]{64}(\.sending)?")
LOCK = re.compile(r"[0-9a-f]{24}")  # the file of a lease: the beginning of a digest
OWNED = re.compile(r"(\d+-[0-9a-f]+)\..*")  # a scratch file begins with the id of its process


@dataclass(frozen=True)
class Leftover:
    """kind: what it is, in words, in the plural."""

    kind: str
    path: Path
    size: int

    def remove(self) -> None:
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)


class LockFile(Leftover):
    def remove(self) -> None:
        remove_unheld(self.path)  # somebody may have come meanwhile


def waiting_notes(root: Path, now: float) -> set[str]:
    """Keys of entries that are still to be uploaded, and may be."""
    return {key for key, path in _notes(root) if now - _used(path) < NOTE_SECONDS}


def stale_notes(root: Path, is_there: Callable[[str], bool]) -> Iterator[Leftover]:
    for key, path in _notes(root):
        if not is_there(key):
            yield Leftover("notes of uploads", path, 0)


def _notes(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((root / OUTBOX).glob("*/*")):
        if NOTE.fullmatch(path.name):
            yield path.name.removesuffix(SENDING), path


def dead_scratch(root: Path, living: Living, now: float) -> Iterator[Leftover]:
    """Scratch files of dead processes; those that name none, when they are a day old."""
    for path in _listed(root / STAGING):
        owner = OWNED.fullmatch(path.name)
        if owner is None and now - _used(path) < DAY:
            continue
        if owner is None or owner[1] not in living.ids:
            yield Leftover("scratch folders of dead processes", path, tree_size(path))


def half_written(root: Path, now: float) -> Iterator[Leftover]:
    for folder in ("ac", SOURCES):
        for path in _listed(root / folder):
            if path.name.startswith(".") and now - _used(path) > DAY:
                yield Leftover("half-written files", path, tree_size(path))


def unheld_locks(folder: Path) -> Iterator[Leftover]:
    for path in _listed(folder):
        if LOCK.fullmatch(path.name) and is_unheld(path):
            yield LockFile("lock files that nobody holds", path, 0)


def old_sources(
    root: Path, texts: Iterable[bytes], now: float, older_than: float = 0.0
) -> Iterator[Leftover]:
    """Kept texts whose digest stands in none of ``texts``."""
    found = {path.name: path for path in _listed(root / SOURCES)}
    left = {name for name in found if not name.startswith(".")}
    for text in texts if left else ():
        left.difference_update(digest.decode() for digest in re.findall(rb"[0-9a-f]{64}", text))
    for name in sorted(left):
        if now - _used(found[name]) > max(SOURCE_SECONDS, older_than):
            yield Leftover("old source texts", found[name], tree_size(found[name]))


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def _used(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return float("inf")  # it has just gone, and is none of ours


def tree_size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder, as far as they are there."""
    total = 0
    for folder, _folders, files in (
        os.walk(path) if path.is_dir() else [(path.parent, (), [path.name])]
    ):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return total
