"""Data files that a worker reported reading: are they still what they were?

A read is ``["file", path, sha256]`` or ``["listing", folder, patterns, digest of the names]``; a place is
one without its digest.
"""

from __future__ import annotations

import os

from forgather.launch.reads import listing_digest
from forgather.make.digest import FileDigests
from forgather.make.probes import note_absent, note_tree


def digest_at(place: list[str], digests: FileDigests) -> str | None:
    """What stands at a place now; None where it cannot be read."""
    kind, path, *rest = place
    try:
        if kind == "file":
            return digests(path)
        if not os.path.isdir(path):
            note_absent(path)
            return None
        note_tree(path)
        return listing_digest(path, rest[0])
    except OSError:
        return None


def moved_read(reads: list[list[str]], digests: FileDigests) -> str | None:
    """What happened to the first read that no longer holds; None while all do."""
    for read in reads:
        now = digest_at(read[:-1], digests)
        if now != read[-1]:
            return _told(read[0], read[1], is_there=now is not None)
    return None


def _told(kind: str, path: str, *, is_there: bool) -> str:
    if kind == "file":
        return f"data file {path} {'changed' if is_there else 'is missing'}"
    if is_there:
        return f"files were added to or removed from {path}"
    return f"data folder {path} {'cannot be read' if os.path.isdir(path) else 'is missing'}"
