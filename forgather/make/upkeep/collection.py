"""One collection of garbage, from looking to removing: entries and blobs, then what is left over.

The store of a checkout is collected by what refers to it, a shared cache by age.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from forgather.make.digest import FileDigests
from forgather.make.lock import FOLDER as LOCKS
from forgather.make.storage.disk_cache import DiskCache, disk_errors
from forgather.make.storage.pins import sweeping
from forgather.make.storage.store import Store
from forgather.make.upkeep import leftovers
from forgather.make.upkeep.garbage import Limits, choose, judge
from forgather.make.upkeep.leftovers import Leftover
from forgather.make.upkeep.references import References
from forgather.make.upkeep.removal import Freed, expected, sweep

CACHE_SECONDS = 30 * leftovers.DAY  # what was not used for so long leaves a shared cache


@dataclass
class Collected:
    """freed: of entries and blobs; left: what else was removed; size: of what stays."""

    freed: Freed
    left: list[Leftover]
    size: int


def store_of(root: Path) -> DiskCache:
    """The store of a build root; it may not exist."""
    return DiskCache(root / "build" / "store")


@contextmanager
def references_of(root: Path, without: Container[str] = ()) -> Iterator[References]:
    """What the build root refers to in its store, which exists; some tasks may be left out of account."""
    with ExitStack() as opened:
        digests = FileDigests(store_of(root).root / "files.sqlite")
        opened.callback(digests.close)
        references = References(root, Store(store_of(root), digests), digests, without)
        opened.callback(references.close)
        yield references


def collect(
    cache: DiskCache, limits: Limits, *, references: References | None = None, dry_run: bool = False
) -> Collected:
    """Collect the garbage of a store or cache that exists. Raises BuildError (FG601).

    references: what a checkout's store is needed for; None for a shared cache.
    dry_run: only say what would go. What is in use at the moment is then not left out.
    """
    now = time.time()
    judged = judge(cache.root, references)
    chosen = choose(judged, limits, now)
    freed = expected(chosen) if dry_run else sweep(cache, judged, chosen, references)
    gone = {item.key for item in chosen.entries} if dry_run else set()
    with disk_errors(cache.root):
        left = _leftovers(cache.root, references, gone, limits.older_than or 0.0, now, dry_run)
    return Collected(freed, left, max(judged.size - freed.size - freed.linked, 0))


def _leftovers(
    root: Path,
    references: References | None,
    gone: set[str | None],
    older_than: float,
    now: float,
    dry_run: bool,
) -> list[Leftover]:
    there = [path for path in (root / "ac").iterdir() if path.name not in gone]
    names = {path.name for path in there}
    found = [
        *leftovers.stale_notes(root, names.__contains__),
        *leftovers.half_written(root, now),
        *leftovers.old_sources(root, _texts(there, references), now, older_than),
    ]
    with sweeping(root) as living:
        found += leftovers.dead_scratch(root, living, now)
    found += leftovers.unheld_locks(root / LOCKS)
    if references is not None:
        found += leftovers.unheld_locks(references.root / "build" / LOCKS)
    for one in found if not dry_run else ():
        one.remove()
    return found


def _texts(entries: list[Path], references: References | None) -> Iterator[bytes]:
    """Where a source text may be mentioned."""
    if references is not None:
        yield from references.mentions()
    for path in entries:
        try:
            yield path.read_bytes()
        except OSError:  # it has just gone
            continue
