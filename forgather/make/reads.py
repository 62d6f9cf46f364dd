"""Data files that a worker reported reading: are they still what they were?"""

from __future__ import annotations

import os

from forgather.launch.reads import listing_digest
from forgather.make.digest import FileDigests


def moved_read(reads: list[list[str]], digests: FileDigests) -> str | None:
    """What happened to the first read that no longer holds; None while all do."""
    for kind, path, *rest in reads:
        if kind == "file":
            try:
                if digests(path) != rest[0]:
                    return f"data file {path} changed"
            except OSError:
                return f"data file {path} is missing"
        elif kind == "listing":
            if not os.path.isdir(path):
                return f"data folder {path} is missing"
            try:
                if listing_digest(path, rest[0]) != rest[1]:
                    return f"files were added to or removed from {path}"
            except OSError:
                return f"data folder {path} cannot be read"
    return None
