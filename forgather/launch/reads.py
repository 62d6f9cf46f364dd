"""Data files that a worker read, in the form the build remembers.

``["file", path, sha256]`` or ``["listing", root, globs joined by "|", digest of the names]``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from forgather.listing import list_files


def listing_digest(root: str, patterns: str) -> str:
    """Digest of the names (not contents) of the files that the globs find below ``root``.

    A glob after ``!`` leaves files or whole folders out.
    """
    parts = patterns.split("|")
    wanted = [part for part in parts if not part.startswith("!")]
    names = list_files(Path(root), wanted, [part[1:] for part in parts if part.startswith("!")])
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def reads_of(inputs: Any) -> list[list[str]]:
    """The reads of a collector of :mod:`forgather.ml.datasets.inputs`, in a fixed order."""
    found = []
    for path in sorted(inputs.files):
        with open(path, "rb") as stream:
            found.append(["file", path, hashlib.file_digest(stream, "sha256").hexdigest()])
    for listing in sorted(inputs.listings, key=lambda one: (one.root, one.pattern)):
        digest = listing_digest(listing.root, listing.pattern)
        found.append(["listing", listing.root, listing.pattern, digest])
    return found
