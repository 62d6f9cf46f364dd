"""A folder with ``ac/<key>`` and ``cas/<sha256>``: this checkout's store, or the user's cache.

The layout is that of the HTTP protocol, so a plain web server can offer such a folder. Blobs and
entries are written aside, fsynced and renamed; blobs are read-only, so that an artifact linked to
one cannot be edited by accident. ``pins/`` tells what running processes use (see
:mod:`forgather.make.storage.pins`); the date of an entry is that of its last use, more or less.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forgather.durable import fsync_path, replace_file
from forgather.errors import BuildError
from forgather.make.storage.pins import Pins

FICLONE = 0x40049409  # linux/fs.h: share the extents of another file
READ_ONLY = 0o444
USE_SECONDS = 3600  # an entry that is used again within that time keeps its date


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say which path a full or read-only disk concerns."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EFBIG):
            raise BuildError(
                f"cannot write below {path}: {os.strerror(error.errno)}",
                hint="free space or mend the permissions and run the same command again; "
                "nothing that was finished is lost",
                code="FG601",
            ) from error
        raise


def write_atomically(path: Path, data: bytes | str) -> None:
    """Replace ``path`` by ``data``; its folder is made. Raises BuildError (FG601) where that cannot be."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, data)


def clone_file(source: Path, target: Path, *, durable: bool = True) -> None:
    """Copy a file, sharing its extents where the filesystem can; ``target`` must not exist.

    durable: whether the bytes must be on the disk when this returns.
    """
    with open(source, "rb") as reader, open(target, "xb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), FICLONE, reader.fileno())
        except OSError:
            shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        if durable:
            os.fsync(writer.fileno())


class DiskCache:
    """Entries and blobs below ``root``, with scratch space beside them for atomic renames."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pins = Pins(root)
        self._entries = os.path.join(root, "ac", "")  # texts: a Path for each would tell
        self._blobs = os.path.join(root, "cas", "")

    def create(self) -> DiskCache:
        """Make the folders. Raises BuildError (FG601) where that is not allowed."""
        with disk_errors(self.root):
            for name in ("ac", "cas", "staging"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
        return self

    def entry_path(self, key: str) -> Path:
        return self.root / "ac" / key

    def blob_path(self, sha: str) -> Path:
        return self.root / "cas" / sha

    def read_entry_bytes(self, key: str) -> bytes | None:
        return _read(f"{self._entries}{key}")

    def read_blob(self, sha: str) -> bytes | None:
        """The bytes as they are; whoever takes them compares them with the name."""
        return _read(f"{self._blobs}{sha}")

    def write_entry(self, key: str, data: bytes) -> None:
        write_atomically(self.entry_path(key), data)

    def use_entry(self, key: str) -> bool:
        """Note that an entry is used now; False where it is not there."""
        path = self.entry_path(key)
        try:
            if abs(time.time() - os.stat(path).st_mtime) > USE_SECONDS:
                os.utime(path)
        except PermissionError:  # a cache that can only be read keeps its dates
            return True
        except OSError as error:
            return error.errno == errno.EROFS
        return True

    def has_blob(self, sha: str) -> bool:
        return os.path.isfile(f"{self._blobs}{sha}")

    def add_blob(self, source: Path, sha: str, *, link: bool = False) -> None:
        """Keep the bytes of ``source``, which are those of ``sha``.

        link: ``source`` is never written to again and becomes read-only: share its inode.
        """
        target = self.blob_path(sha)
        with disk_errors(self.root), self.staging("blob") as folder:
            aside = folder / sha
            if not (link and _link(source, aside)):
                clone_file(source, aside)
                os.chmod(aside, READ_ONLY)
            os.replace(aside, target)
            fsync_path(target.parent)

    @contextmanager
    def staging(self, purpose: str) -> Iterator[Path]:
        """A scratch folder on the cache's filesystem, removed afterwards."""
        prefix = f"{self.pins.id}.{purpose}-"
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.root / "staging"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0) as stream:
            return stream.read()
    except OSError:  # not there, or not to be read: the same to whoever asks
        return None


def _link(source: Path, target: Path) -> bool:
    """Give a file a second name and take its write permission; False where that cannot be."""
    try:
        os.link(source, target)
        os.chmod(target, READ_ONLY)
    except OSError:
        return False
    fsync_path(target)
    return True
