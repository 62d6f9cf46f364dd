"""Data files that a worker read, in the form the build remembers.

``["file", path, sha256]`` or ``["listing", root, globs joined by "|", digest of the names]``. In place of
the digest of what changed while it was read stands :data:`MOVED`, which no digest equals.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from forgather.listing import list_files, stat_signature

MOVED = "changed while it was read"


def listing_digest(root: str, patterns: str) -> str:
    """Digest of the names (not contents) of the files that the globs find below ``root``."""
    return _digest_of_names(listed_names(root, patterns))


def _digest_of_names(names: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(names).encode()).hexdigest()


def listed_names(root: str, patterns: str) -> list[str]:
    """What the globs find below ``root``. A glob after ``!`` leaves files or whole folders out."""
    parts = patterns.split("|")
    wanted = [part for part in parts if not part.startswith("!")]
    return list_files(Path(root), wanted, [part[1:] for part in parts if part.startswith("!")])


def reads_of(inputs: Any) -> list[list[str]]:
    """The reads of a collector of :mod:`forgather.ml.datasets.inputs`, in a fixed order."""
    found = [["file", path, _digest_of(path, inputs.files[path])] for path in sorted(inputs.files)]
    for listing in sorted(inputs.listings, key=lambda one: (one.root, one.pattern, one.files)):
        digest = _digest_of_names(listing.files)
        found.append(["listing", listing.root, listing.pattern, digest])
    return found


def _digest_of(path: str, signature: str) -> str:
    """The digest of what was read, if the file is still what it was before."""
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return MOVED
    return digest if stat_signature(path) == signature else MOVED
