"""Data files that a worker read, in the form the build remembers.

``["file", path, sha256]`` or ``["listing", root, globs joined by "|", digest of the names]``.
"""

from __future__ import annotations

import glob
import hashlib
import os
from pathlib import Path
from typing import Any


def listing_digest(root: str, patterns: str) -> str:
    """Digest of the names (not contents) of the files that the globs find below ``root``."""
    names = {
        Path(name).as_posix()
        for pattern in patterns.split("|")
        for name in glob.iglob(pattern, root_dir=root, recursive=True)
        if "__pycache__" not in Path(name).parts and os.path.isfile(os.path.join(root, name))
    }
    return hashlib.sha256("\0".join(sorted(names)).encode()).hexdigest()


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
