"""The store: ``ac/<key>`` says what an action produced, ``cas/<sha256>`` holds the bytes.

An entry exists when its ``ac`` file exists, and that file is written last: blobs first, each one
written aside, fsynced and renamed. A crash leaves blobs nobody names, never an entry that lies.
Blobs are read-only and are copied out (by reflink where the filesystem can), so that editing an
artifact cannot damage the store. Bytes are checked against their name when they come out.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.make.digest import FileDigests, canonical_json, hash_file, tree_files

FICLONE = 0x40049409  # linux/fs.h: share the extents of another file


@dataclass(frozen=True)
class Entry:
    """What an action produced: file digests by relative path, and what was read on the way."""

    key: str
    files: dict[str, str]
    reads: list[list[str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)


def fsync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say which path a full or read-only disk concerns."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise BuildError(
                f"cannot write below {path}: {os.strerror(error.errno)}",
                hint="free space or mend the permissions and run the same command again; "
                "nothing that was finished is lost",
                code="FG601",
            ) from error
        raise


def write_atomically(path: Path, data: bytes | str) -> None:
    """Replace ``path`` by ``data``: the old content or the new, never a mix."""
    if isinstance(data, str):
        data = data.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with disk_errors(path):
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        fsync_path(path.parent)


def clone_file(source: Path, target: Path) -> None:
    """Copy a file, sharing its extents where the filesystem can; ``target`` must not exist."""
    with open(source, "rb") as reader, open(target, "xb") as writer:
        try:
            fcntl.ioctl(writer.fileno(), FICLONE, reader.fileno())
        except OSError:
            shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())


class Store:
    """``root/ac`` and ``root/cas``, with scratch space beside them for atomic renames."""

    def __init__(self, root: Path, digests: FileDigests) -> None:
        self.root = root
        self.digests = digests
        for name in ("ac", "cas", "staging"):
            (root / name).mkdir(parents=True, exist_ok=True)

    # actions

    def _entry_path(self, key: str) -> Path:
        return self.root / "ac" / key

    def get(self, key: str) -> Entry | None:
        """The entry of ``key``; None where there is none or it is not whole."""
        path = self._entry_path(key)
        try:
            data = json.loads(path.read_text())
            entry = Entry(**data)
        except (FileNotFoundError, ValueError, TypeError):
            return None
        whole = entry.key == key and all(self.has_blob(sha) for sha in entry.files.values())
        return entry if whole else None

    def put(self, entry: Entry, directory: Path) -> Entry:
        """Store the files of ``directory`` under the entry's names, the entry itself last."""
        for name, sha in entry.files.items():
            self.add_blob(directory / name, sha)
        write_atomically(self._entry_path(entry.key), canonical_json(asdict(entry)))
        return entry

    # blobs

    def blob(self, sha: str) -> Path:
        return self.root / "cas" / sha[:2] / sha

    def has_blob(self, sha: str) -> bool:
        return self.blob(sha).is_file()

    def add_blob(self, source: Path, sha: str) -> None:
        target = self.blob(sha)
        if target.is_file() and self.digests(target) == sha:
            return
        with disk_errors(self.root), self.staging("blob") as folder:
            clone_file(source, folder / sha)
            os.chmod(folder / sha, 0o444)
            target.parent.mkdir(exist_ok=True)
            os.replace(folder / sha, target)
            fsync_path(target.parent)

    def checkout(self, files: dict[str, str], target: Path) -> None:
        """Make ``target`` the tree of ``files``; an older tree there is replaced whole."""
        with disk_errors(target), self.staging("tree") as folder:
            fresh = folder / "new"
            fresh.mkdir()
            for name, sha in files.items():
                place = fresh / name
                place.parent.mkdir(parents=True, exist_ok=True)
                clone_file(self.blob(sha), place)
                if hash_file(place) != sha:
                    self.blob(sha).unlink(missing_ok=True)
                    raise BuildError(
                        f"the stored copy of {name} is damaged (sha256 {sha[:12]}...)",
                        hint="it has been removed; run the same command again to rebuild it",
                        code="FG602",
                    )
            replace_tree(fresh, target, folder)

    @contextmanager
    def staging(self, purpose: str) -> Iterator[Path]:
        """A scratch folder on the store's filesystem, removed afterwards."""
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=self.root / "staging"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def replace_tree(fresh: Path, target: Path, scratch: Path) -> None:
    """Put the directory ``fresh`` in the place of ``target`` by renames."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.is_file():
        target.unlink()
    elif target.exists():
        os.replace(target, scratch / "old")
    os.replace(fresh, target)
    fsync_path(target.parent)


def scan(directory: Path, digests: FileDigests) -> dict[str, str]:
    """The digest of every file below ``directory``, by relative posix path."""
    return {path.as_posix(): digests(directory / path) for path in tree_files(directory)}
