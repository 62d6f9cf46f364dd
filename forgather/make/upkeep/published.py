"""The files that a task has published below ``build/``, and taking them away."""

from __future__ import annotations

import os
from pathlib import Path

from forgather.make.state import Record


def published(root: Path, record: Record) -> list[Path]:
    """Those that are there."""
    paths = (root / record.place / name for name in record.files)
    return [path for path in paths if path.exists()]


def remove_published(root: Path, record: Record) -> None:
    """Remove them, and the folders that are empty then."""
    for path in published(root, record):
        path.unlink()
    _remove_empty_folders(root / record.place, root / "build")


def _remove_empty_folders(folder: Path, top: Path) -> None:
    for path, _folders, _files in os.walk(folder, topdown=False):
        if Path(path) != top and not os.listdir(path):
            os.rmdir(path)
    while folder != top and folder.is_dir() and not os.listdir(folder):
        os.rmdir(folder)
        folder = folder.parent
