"""A directory that exists whole or not at all.

It is written aside, under a hidden name beside its final place, synced to disk and then renamed:
the rename is the commit point. A crash before it leaves the old state and a hidden directory; a
full disk raises, and the hidden directory is removed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forgather.durable import fsync_path
from forgather.errors import DataError


@contextmanager
def new_directory(final: Path) -> Iterator[Path]:
    """A directory to write into; it becomes ``final`` when the block ends without an error.

    An empty ``final`` is replaced. One that holds something is refused, at the end too: then
    somebody else was faster, and nothing of theirs is touched.
    """
    refuse_filled(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    try:
        yield aside
        aside.chmod(0o777 & ~_umask())
        _sync_tree(aside)
        try:
            os.rename(aside, final)
        except OSError:
            refuse_filled(final)
            raise
        fsync_path(final.parent)
    finally:
        if aside.exists():
            shutil.rmtree(aside)


def refuse_filled(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise DataError(
            f"{directory} exists already and is not empty",
            hint="name another directory, or remove this one",
        )


def file_digest(path: Path) -> str:
    """The sha256 of a file's content, in hex."""
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _sync_tree(root: Path) -> None:
    for directory, _, names in os.walk(root):
        for name in names:
            fsync_path(Path(directory, name))
        fsync_path(Path(directory))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
