"""The files that a task has published below ``build/``, and taking them away."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from forgather.make.state import Record


def published(root: Path, record: Record) -> list[Path]:
    """Those that are there."""
    paths = (root / record.place / name for name in record.files)
    return [path for path in paths if path.exists()]


def remove_published(root: Path, record: Record) -> None:
    """Remove them, and the folders that are empty then."""
    folder, top = root / record.place, root / "build"
    for name in record.files:
        (folder / name).unlink(missing_ok=True)
    below = [Path(path) for path, _folders, _files in os.walk(folder, topdown=False)]
    above = [path for path in folder.parents if top in path.parents]
    for path in (*below, *above):
        with suppress(OSError):  # it is not empty
            path.rmdir()
