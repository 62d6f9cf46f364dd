"""Compiled templates kept between processes, by content.

The key says all that the code depends on, so an entry is never stale and checkouts share entries;
neither paths nor times are in it. A file is written aside and renamed; one that is damaged, or that
cannot be read, is a miss. A cache that cannot be written costs time, never correctness, so that is
not an error.

Code is loaded from files that this user alone can have written: it lies in the user's own cache
directory wherever the caches of artifacts are, and a file of another owner, or one that others may
write to, is a miss. The checksum covers the key, so a file is worth nothing under another name.
"""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import stat
import tempfile
from functools import cache
from pathlib import Path
from types import CodeType

_MAX_PER_FOLDER = 64  # of 256 folders

_memory: dict[str, CodeType] = {}


def default_directory() -> Path:
    """``forgather/templates`` in the user's cache directory: never in one that a group shares."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # as the specification of XDG has it
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "forgather" / "templates"


@cache
def code_version() -> str:
    """Digest of the modules that turn a template into code: an edit of theirs is another version."""
    folder = Path(__file__).parent
    names = ("sugar.py", "blocks.py", "compiler.py")
    return hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in names)).hexdigest()


def key_of(name: str, text: str, options: str) -> str:
    """name: logical name of the template, which the code mentions; options: of the environment."""
    parts = (code_version(), options, importlib.util.MAGIC_NUMBER.hex(), name, text)
    blob = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.sha256(blob).hexdigest()


def _checksum(key: str, payload: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + payload).digest()


def _read_own(path: Path) -> bytes:
    """The content of a file that nobody but this user can have written. Raises OSError otherwise."""
    with open(path, "rb") as file:
        found = os.fstat(file.fileno())  # of what was opened: the name may change hands meanwhile
        is_own = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
        if not is_own or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise PermissionError(f"others may have written {path}")
        return file.read()


class BytecodeCache:
    """directory: None keeps entries in this process only."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def get(self, key: str) -> CodeType | None:
        if (code := _memory.get(key)) is not None:
            return code
        if self.directory is None:
            return None
        try:
            content = _read_own(self._path(key))
        except OSError:
            return None
        checksum, payload = content[:32], content[32:]
        if _checksum(key, payload) != checksum:
            return None
        _memory[key] = code = marshal.loads(payload)
        return code

    def put(self, key: str, code: CodeType, *, durable: bool = True) -> None:
        """durable: also write it to the directory."""
        _memory[key] = code
        if self.directory is None or not durable:
            return
        payload = marshal.dumps(code)
        path = self._path(key)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._prune(path.parent)
            handle, aside = tempfile.mkstemp(dir=path.parent)  # of mode 0600
            with os.fdopen(handle, "wb") as file:
                file.write(_checksum(key, payload) + payload)
            os.replace(aside, path)
        except OSError:
            return

    def _path(self, key: str) -> Path:
        assert self.directory is not None
        return self.directory / key[:2] / key[2:]

    def _prune(self, folder: Path) -> None:
        """Drop the older half of a folder that has grown too large."""
        entries = list(os.scandir(folder))
        if len(entries) < _MAX_PER_FOLDER:
            return
        entries.sort(key=lambda entry: entry.stat().st_mtime_ns)
        for entry in entries[: _MAX_PER_FOLDER // 2]:
            os.unlink(entry.path)
