"""Reads everything in a store, and what was published from it, and compares it with its digests.

Remembered digests are not trusted here: a disk that forgets bits does not change a date. Each file is
read once, however many names it has.

:func:`repair` makes sure that the next build sees what is damaged: blobs and entries that are not whole
are removed (a blob is first looked for in what was published from it, and in the other store), files
that were published are touched, so that their remembered digests do not hold any more. None of those is
removed or changed: what to do about damaged weights is for the build to say.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forgather.make.digest import hash_file
from forgather.make.state import Record
from forgather.make.storage.disk_cache import DiskCache, disk_errors
from forgather.make.storage.entry import SHA256, Entry
from forgather.make.storage.pins import sweeping
from forgather.make.upkeep.contents import CONFIG, File, Stored, entries, files, kind_of, task_of

AGAIN = "the next build that needs it makes it again"


@dataclass(frozen=True)
class Problem:
    """kind: blob, entry or artifact. then: what will come of it. sha: of the blob that is damaged."""

    kind: str
    path: Path
    what: str
    task: str | None
    then: str
    sha: str | None = None

    def __str__(self) -> str:
        task = f" ({self.task})" if self.task else ""
        return f"{self.path}{task}: {self.what}; {self.then}"


class Verification:
    """One look at a store. records: what this checkout built from it; none for a shared cache.

    others: stores that entries may have blobs in, too.
    """

    def __init__(
        self,
        cache: DiskCache,
        *,
        root: Path | None = None,
        records: Mapping[str, Record] | None = None,
        others: Iterable[DiskCache] = (),
    ) -> None:
        self.cache = cache
        self.root = root
        self.records = records or {}
        self.others = list(others)
        self.read = 0  # bytes
        self.files = 0
        self._digests: dict[tuple[int, int], str] = {}
        self._tasks: dict[str, set[str]] = defaultdict(set)  # by the blobs that they are made of
        for task, record in self.records.items():
            for sha in (*record.files.values(), *record.config.values()):
                self._tasks[sha].add(task)

    def problems(self) -> list[Problem]:
        """Everything that is wrong. Nothing is changed."""
        for stored in entries(self.cache.root):
            for sha in stored.entry.files.values() if stored.entry is not None else ():
                self._tasks[sha].add(_name(stored.entry))
        found = list(self._blobs())
        broken = {problem.sha for problem in found}
        for stored in entries(self.cache.root):
            found += self._entry(stored, broken)
        return found + list(self._artifacts(broken))

    # blobs

    def _blobs(self) -> Iterator[Problem]:
        for file in files(self.cache.root / "cas"):
            wrong = self._wrong(file)
            if wrong is not None:
                sha = file.name if SHA256.fullmatch(file.name) else None
                tasks = ", ".join(sorted(self._tasks[file.name])) or None
                then = AGAIN if tasks else "no entry and no record names it"
                yield Problem("blob", file.path, wrong, tasks, then, sha)

    def _wrong(self, file: File) -> str | None:
        if SHA256.fullmatch(file.name) is None:
            return "its name is no sha256"
        try:
            if self._digest(file.path) == file.name:
                return None
        except FileNotFoundError:  # removed meanwhile
            return None
        except OSError as error:
            return f"it cannot be read ({error.strerror})"
        return f"it has other bytes than its name says ({file.size} bytes)"

    def _digest(self, path: Path) -> str:
        """The digest of a file's content now. Raises OSError."""
        stat = path.stat()
        inode = (stat.st_dev, stat.st_ino)
        if inode not in self._digests:
            self._digests[inode] = hash_file(path)
            self.read += stat.st_size
            self.files += 1
        return self._digests[inode]

    # entries

    def _entry(self, stored: Stored, broken: set[str | None]) -> Iterator[Problem]:
        path, entry = stored.file.path, stored.entry
        if entry is None:
            if path.exists():
                yield Problem("entry", path, "it is no entry of its key", None, AGAIN)
            return
        for name, output in entry.outputs.items():
            if output.digest in broken or not path.exists():
                continue
            found = self._size(output.digest)
            if found == output.size:
                continue
            what, sha = f"its {name} has {output.size} bytes, its blob has {found}", None
            if found is None:
                what, sha = f"the blob of its {name} is missing", output.digest
            yield Problem(
                "entry", path, f"{what} ({output.digest[:12]}...)", _name(entry), AGAIN, sha
            )

    def _size(self, sha: str) -> int | None:
        for cache in (self.cache, *self.others):
            try:
                return cache.blob_path(sha).stat().st_size
            except OSError:
                continue
        return None

    # what was published

    def _artifacts(self, broken: set[str | None]) -> Iterator[Problem]:
        for task, record in self.records.items():
            for name, sha in record.files.items():
                path = Path(os.path.normpath(os.path.join(self.root or "", record.place, name)))
                wrong = self._altered(path, sha)
                if wrong is not None:
                    yield Problem("artifact", path, wrong, task, self._rebuilt(task, sha, broken))

    def _altered(self, path: Path, sha: str) -> str | None:
        try:
            return None if self._digest(path) == sha else "it was altered"
        except FileNotFoundError:
            return "it is missing"
        except OSError as error:
            return f"it cannot be read ({error.strerror})"

    def _rebuilt(self, task: str, sha: str, broken: set[str | None]) -> str:
        has_blob = any(cache.has_blob(sha) for cache in (self.cache, *self.others))
        if has_blob and sha not in broken:
            return f"the next build of {task} puts it back from the store"
        return f"the next build of {task} makes it again"

    # repairing

    def repair(self, problems: Iterable[Problem]) -> Iterator[str]:
        """Have the next build see what is wrong; yields what was done. Raises BuildError (FG601)."""
        for problem in problems:
            with disk_errors(problem.path):
                if problem.kind == "artifact":
                    yield from self._touch(problem.path)
                elif problem.sha is not None and self._put_back(problem.sha):
                    yield f"put back {self.cache.blob_path(problem.sha)}"
                else:
                    yield from self._remove(problem)

    def _touch(self, path: Path) -> Iterator[str]:
        if path.exists():
            os.utime(path)
            yield f"touched {path}"

    def _put_back(self, sha: str) -> bool:
        """Make a blob of a whole file that is known to have its bytes, if there is one."""
        published = (
            Path(self.root or "", record.place, name)
            for record in self.records.values()
            for name, digest in record.files.items()
            if digest == sha
        )
        for source in (*published, *(cache.blob_path(sha) for cache in self.others)):
            if self._altered(source, sha) is None and not self.cache.blob_path(sha).is_dir():
                self.cache.add_blob(source, sha)
                return True
        return False

    def _remove(self, problem: Problem) -> Iterator[str]:
        """What is damaged, after the entries that cannot be whole without it."""
        gone = [problem.path]
        if problem.kind == "blob" and problem.sha is not None:
            named = (one for one in entries(self.cache.root) if one.entry is not None)
            users = [one for one in named if problem.sha in one.entry.files.values()]
            gone = [*(one.file.path for one in users), problem.path]
        for path in gone:
            with sweeping(self.cache.root):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            yield f"removed {path}"


def _name(entry: Entry) -> str:
    """The task that made it, or what else it is."""
    return task_of(entry) or ("a compiled config" if kind_of(entry) == CONFIG else "unknown")
