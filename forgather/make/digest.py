"""Digests: canonical JSON, bytes, files and trees. Knows nothing about what is built.

Whatever is hashed is prefixed with its kind, so that a file and a tree, or a key and a blob, can
never collide. File digests are remembered by (mtime, ctime, size, inode) in a small SQLite
database: a stat is a hint, the sha256 is the truth. A file that changed within the clock's
resolution of being hashed is not remembered, because a later edit could leave its stat unchanged.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from forgather.make.database import open_database
from forgather.make.probes import is_settled, note_environment, note_file, note_listing, signature

HASHED_AT_ONCE = 1 << 18  # bytes


def canonical_json(value: Any) -> str:
    """The one text of ``value``: sorted keys, no spaces, no NaN (raises ValueError)."""
    return _encode(value)


_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def digest_json(kind: str, value: Any) -> str:
    """sha256 (hex) of ``value`` in canonical JSON, prefixed with its kind."""
    return hashlib.sha256(f"{kind}\0{canonical_json(value)}".encode()).hexdigest()


def digest_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def hash_file(path: Path | str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:  # most files are small, and read in one piece
        while piece := stream.read(HASHED_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


class FileDigests:
    """sha256 of files, remembered across processes in ``database``."""

    def __init__(self, database: Path) -> None:
        self._lock = threading.Lock()
        self._memory: dict[str, tuple[str, str]] = {}
        self._db = open_database(database, _connect)

    def __call__(self, path: Path | str) -> str:
        """The digest of the file's content. Raises OSError where it cannot be read."""
        name = os.path.abspath(path)
        with self._lock:
            stat = os.stat(name)
            now = signature(stat)
            known = self._memory.get(name) or self._recall(name)
            note_file(name, stat)
            if known and known[0] == now:
                self._memory[name] = known
                return known[1]
            value = hash_file(name)
            if is_settled(stat) and signature(os.stat(name)) == now:
                self._memory[name] = (now, value)
                self._keep(name, now, value)
            return value

    # What the database does not take or give costs one more hash, and no build.

    def _recall(self, name: str) -> tuple[str, str] | None:
        query = "select signature, sha256 from files where path = ?"
        with suppress(sqlite3.Error):
            return self._db.execute(query, (name,)).fetchone()
        return None

    def _keep(self, name: str, signature: str, sha: str) -> None:
        with suppress(sqlite3.Error):
            self._db.execute(
                "insert or replace into files values (?, ?, ?)", (name, signature, sha)
            )

    def close(self) -> None:
        self._db.close()


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=off")  # a lost row only costs one more hash
    connection.execute(
        "create table if not exists files (path text primary key, signature text, sha256 text)"
    )
    return connection


def tree_files(root: Path) -> list[Path]:
    """Every file below ``root``, as sorted relative paths."""
    found = []
    for folder, folders, files in os.walk(root):
        folders.sort()
        found += [Path(folder, name).relative_to(root) for name in files]
    return sorted(found, key=lambda path: path.as_posix())


def digest_manifest(files: Mapping[str, str]) -> str:
    """The digest of a tree, given the digest of each file in it."""
    return digest_json("tree", dict(files))


def installed_versions(names: Iterable[str], search: Iterable[str]) -> dict[str, str]:
    """Versions of installed distributions by the names of their ``.dist-info`` folders.

    A directory listing: importlib.metadata would cost more than a whole null build.
    """
    wanted = {name.lower().replace("-", "_") for name in names}
    found: dict[str, str] = {}
    note_environment("PYTHONPATH")
    for folder in search:
        note_listing(folder or ".")
        try:
            entries = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in entries:
            if entry.endswith(".dist-info"):
                name, _, version = entry[: -len(".dist-info")].partition("-")
                if name.lower() in wanted:
                    found.setdefault(name.lower(), version)
    return found
