"""The text of templates and source files that artifacts were made from, kept by digest.

A digest says that a file changed; only its old text says where. Nothing that a build makes is ever made
from what is kept here: it may be lost or removed at any time, and then an explanation names digests,
not lines. Texts are kept where they are read, and in the user's cache too, where another checkout of
the same templates finds them.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from forgather.make.digest import digest_bytes

if TYPE_CHECKING:
    from forgather.make.storage.store import Store

FOLDER = "sources"
LARGEST = 1 << 20  # bytes; larger files are data, which nobody reads by line
HEAD = "HEAD"


class Sources:
    """Old texts below ``sources/`` of a checkout's store and, if given, of a shared cache."""

    def __init__(self, store: Path, shared: Path | None = None) -> None:
        self.folders = [root / FOLDER for root in (store, shared) if root is not None]
        self._kept: set[str] = set()

    @classmethod
    def of(cls, store: Store) -> Sources:
        return cls(store.root, None if store.shared is None else store.shared.root)

    def path(self, sha: str) -> Path:
        return self.folders[0] / sha

    def keep(self, files: Iterable[tuple[str | Path, str]]) -> None:
        """Keep files, given with their digests. A file that has moved on since is passed over."""
        for path, sha in files:
            if sha in self._kept or not sha:
                continue
            self._kept.add(sha)
            if not os.path.exists(self.path(sha)):
                self._keep(path, sha)

    def _keep(self, path: str | Path, sha: str) -> None:
        try:
            if os.path.getsize(path) > LARGEST:
                return
            data = Path(path).read_bytes()
            if digest_bytes(data) != sha:
                return
            for folder in self.folders:
                _write(folder / sha, data)
        except OSError:
            self._kept.discard(sha)  # a full disk is for the build itself to report

    def read(
        self, sha: str, path: str | Path | None = None, revisions: Iterable[str] = (HEAD,)
    ) -> bytes | None:
        """The bytes with this digest: kept, standing at ``path``, or committed there; else None."""
        places = [folder / sha for folder in self.folders]
        for place in [*places, *([] if path is None else [Path(path)])]:
            try:
                data = place.read_bytes()
            except OSError:
                continue
            if digest_bytes(data) == sha:
                return data
        if path is None:
            return None
        found = (_committed(Path(path), sha, revision) for revision in revisions)
        return next((data for data in found if data is not None), None)


def _write(place: Path, data: bytes) -> None:
    """Not made durable: what the power takes away is found out by its digest."""
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(prefix=".new-", dir=place.parent)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    os.replace(aside, place)


def _committed(path: Path, sha: str, revision: str) -> bytes | None:
    """What git has for ``path`` at a revision, if that is it."""
    folder = next(parent for parent in path.parents if parent.is_dir())
    name = f"{revision}:./{path.relative_to(folder).as_posix()}"
    command = ["git", "-C", str(folder), "show", name]
    try:
        shown = subprocess.run(command, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):  # no git here, or one that waits for something
        return None
    same = shown.returncode == 0 and digest_bytes(shown.stdout) == sha
    return shown.stdout if same else None


class Edit(NamedTuple):
    """One changed line: its number (in the new text, unless it is gone) and both versions."""

    line: int
    old: str | None
    new: str | None


def edits(old: str, new: str) -> list[Edit]:
    """The lines that differ, in order."""
    before, after = old.splitlines(), new.splitlines()
    found = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for what, i1, i2, j1, j2 in matcher.get_opcodes():
        if what == "equal":
            continue
        paired = min(i2 - i1, j2 - j1)
        found += [Edit(j1 + n + 1, before[i1 + n], after[j1 + n]) for n in range(paired)]
        found += [Edit(j1 + 1, line, None) for line in before[i1 + paired : i2]]
        found += [
            Edit(j1 + n + 1, None, line) for n, line in enumerate(after[j1:j2]) if n >= paired
        ]
    return found
