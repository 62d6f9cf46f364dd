"""Results whose inputs are known only once they were made: found again by what was read.

Which files a config's templates are, or which data files a corpus is made of, is known after rendering
or reading them. So under the key of what is known before, the store has a *manifest*: the sets of places
that were looked at when it was made. If what stands at the places of one of them now gives the key of a
result, that is the result. A place is a read without its digest, which comes last.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any

from forgather.make.digest import digest_json
from forgather.make.storage.entry import Entry
from forgather.make.storage.store import Store

PLACES = "places"  # the value of an entry that makes it a manifest
SETS = 32  # sets of places that are remembered under one key

Places = list[list[str]]
Look = Callable[
    [list[str]], "str | None"
]  # the digest at a place; None where something came or went


def traced_key(key: str, reads: Iterable[list[str]]) -> str:
    """The key of the result that was made under ``key`` and read this."""
    return digest_json("traced", [key, list(reads)])


def find(store: Store, key: str, look: Look, *, quick: bool = False) -> Entry | None:
    """The result under ``key``, if what it was made from stands there now. quick: see Store.get."""
    tried: list[Places] = []
    for entry in store.each(key, quick=quick):
        if PLACES not in entry.values:
            return entry  # it read nothing
        for places in _sets(entry):
            if places in tried:
                continue
            tried.append(places)
            reads = look_at(places, look)
            if reads is None:
                continue
            found = store.get(traced_key(key, reads), quick=quick)
            if found is not None:
                return found
    return None


def look_at(places: Places, look: Look) -> Places | None:
    """The reads of these places now; None where a file came or went."""
    reads = []
    for place in places:
        digest = look(place)
        if digest is None:
            return None
        reads.append([*place, digest])
    return reads


def keep(
    store: Store, entry: Entry, reads: Places, directory: Path, *, link: Container[str] = ()
) -> Entry:
    """Store what was made under ``entry.key`` and read this; returns the entry as it is stored."""
    if not reads:
        return store.put(entry, directory, link=link)
    places = [read[:-1] for read in reads]
    traced = Entry(
        traced_key(entry.key, reads), entry.outputs, entry.reads, entry.values, entry.provenance
    )
    store.put(traced, directory, link=link)
    known = list(_known(store, entry.key))
    if places not in known:
        kept = [places, *known][:SETS]
        store.put(Entry(entry.key, {}, values={PLACES: kept}), directory)
    return traced


def _known(store: Store, key: str) -> Iterator[Places]:
    """The sets of places of the manifests at hand, each once."""
    seen: list[Places] = []
    for entry in store.each(key, far=False):
        for places in _sets(entry):
            if places not in seen:
                seen.append(places)
                yield places


def _sets(entry: Entry) -> list[Places]:
    """The sets of places in a manifest, less what is none: it may come from anywhere."""
    sets = entry.values.get(PLACES)
    return [places for places in sets if _are_places(places)] if isinstance(sets, list) else []


def _are_places(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(place, list) and len(place) > 1 and all(isinstance(part, str) for part in place)
        for place in value
    )
