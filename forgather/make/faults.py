"""What a disk or its permissions do to a build, as an error that names the place."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from forgather.errors import BuildError

FAULTS = (OSError, sqlite3.Error)
FAULT = "FG601"
HINT = (
    "free space, mend the permissions or move what is in the way, and run the same command again; "
    "nothing that was finished is lost"
)

GONE = "put it back, or change what names it, and run the same command again"


def as_error(fault: OSError | sqlite3.Error, place: Path | str | None = None) -> BuildError:
    """The fault for a user. ``place`` is where it happened, if the fault does not say."""
    if isinstance(fault, OSError):
        names = [str(name) for name in (fault.filename, fault.filename2) if name is not None]
        what = os.strerror(fault.errno) if fault.errno else str(fault)
        where = " -> ".join(names) or str(place or "a file of the build")
        hint = GONE if isinstance(fault, FileNotFoundError) else HINT
        return BuildError(f"{where}: {what}", hint=hint, code=FAULT)
    return BuildError(f"{place or 'a database of the build'}: {fault}", hint=HINT, code=FAULT)
