"""The store: what actions produced, by key, looked for nearest first.

Three layers: this checkout's ``build/store``, the per-user cache that all checkouts share, and a
remote. An entry exists when its ``ac`` file exists, and that file is written last: blobs first, each
one written aside, fsynced and renamed. A crash leaves blobs nobody names, never an entry that lies.
Bytes are checked against their name when they come out. Trouble with a shared layer is said once and
costs its help, never the build.

What this process takes out or puts in, it pins first (:mod:`forgather.make.storage.pins`), and only then looks
whether it is there: so no collection of garbage takes away what a build has just found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from forgather.errors import BuildError
from forgather.make.cache.sharing import Remote, code_among, fetch
from forgather.make.digest import FileDigests, digest_bytes, hash_file
from forgather.make.lock import FOLDER as LOCKS
from forgather.make.lock import lease
from forgather.make.probes import collecting
from forgather.make.storage.disk_cache import DiskCache, clone_file, disk_errors
from forgather.make.storage.entry import Entry, Output

LOST = "FG602"  # the code of errors about a blob that is missing or damaged
LINKED_FROM = 16 << 20  # bytes; larger outputs are read-only links to their blob, not copies


class Signer(Protocol):
    def sign(self, data: bytes) -> bytes: ...

    def accepts(self, data: bytes) -> bool: ...


class Outbox(Protocol):
    def add(self, key: str) -> None: ...


class Store:
    """Entries and blobs of a build root; ``shared``, ``remote`` and ``signer`` may be missing."""

    def __init__(
        self,
        local: DiskCache,
        digests: FileDigests,
        *,
        shared: DiskCache | None = None,
        remote: Remote | None = None,
        signer: Signer | None = None,
        outbox: Outbox | None = None,
    ) -> None:
        self.local = local.create()
        self.digests = digests
        self.shared = shared
        self.remote = remote
        self.signer = signer
        self.outbox = outbox
        self._far: dict[str, Entry | None] = {}  # what the remote was asked for
        self.gives = shared is not None  # whether the shared layer takes what is made here
        if shared is not None:
            with self.sharing():
                shared.create()

    @property
    def root(self) -> Path:
        return self.local.root

    def staging(self, purpose: str):
        return self.local.staging(purpose)

    def close(self) -> None:
        """Give up what this process has pinned."""
        for layer in self._layers():
            layer.pins.close()

    # entries

    def get(self, key: str, *, quick: bool = False) -> Entry | None:
        """The entry of ``key`` whose blobs are all at hand; None where there is none.

        quick: making it takes no time to speak of, so that a slow remote is soon not asked for it.
        """
        return next(self.each(key, quick=quick), None)

    def each(self, key: str, *, far: bool = True, quick: bool = False) -> Iterator[Entry]:
        """The entries of ``key`` in all layers, the nearest first.

        far: ask the remote, too. It is asked for a key at most once; what it said is remembered.
        """
        for layer in self._layers():
            data = layer.read_entry_bytes(key)
            entry = self._parse(key, data, trusted=layer is self.local)
            if entry is not None and self._holds(layer, entry):
                yield entry
        if far and self.remote is not None and key not in self._far:
            self._far[key] = self._fetch(key, quick)
        entry = self._far.get(key)
        if entry is not None and all(map(self.has_blob, entry.files.values())):
            yield entry

    def put(self, entry: Entry, directory: Path, *, link: Container[str] = ()) -> Entry:
        """Store the files of ``directory`` under the entry's names, the entry itself last.

        link: names of files that are never written to again and may share the store's bytes.
        """
        self._pin(self.local, entry)
        for name, output in entry.outputs.items():
            self.add_blob(directory / name, output.digest, link=name in link)
        data = self._sealed(entry)
        self.local.write_entry(entry.key, data)
        if code_among(entry.outputs) is None:
            self._give(entry, data)
        return entry

    def offer(self, entry: Entry) -> None:
        """Let checkouts of this user have an entry whose blobs have been shared already."""
        assert self.shared is not None
        with self.sharing():
            self._pin(self.shared, entry)
            if all(map(self.shared.has_blob, entry.files.values())):
                self.shared.write_entry(entry.key, self._sealed(entry))

    def offered(self, key: str) -> Entry | None:
        """What another checkout of this user has offered. Its blobs may be gone, see offered_blob."""
        if self.shared is None:
            return None
        self.shared.use_entry(key)
        return self._parse(key, self.shared.read_entry_bytes(key), trusted=False)

    def offered_blob(self, sha: str) -> bytes | None:
        """The bytes of a blob of the shared layer; None where it is not there any more, or damaged."""
        assert self.shared is not None
        data = self.shared.read_blob(sha)
        if data is None or digest_bytes(data) == sha:
            return data
        self._remove_damaged(sha)
        return None

    def _sealed(self, entry: Entry) -> bytes:
        data = entry.dumps()
        return data if self.signer is None else self.signer.sign(data)

    def _give(self, entry: Entry, data: bytes) -> None:
        """Let others have what was made here."""
        if self.gives:
            assert self.shared is not None
            with self.sharing():
                self._pin(self.shared, entry)
                for sha in entry.files.values():
                    self._share(sha)
                self.shared.write_entry(entry.key, data)
        if self.outbox is not None:
            self.outbox.add(entry.key)

    def _holds(self, layer: DiskCache, entry: Entry) -> bool:
        """Whether all of an entry of ``layer`` is at hand, and stays so; notes that it is used."""
        self._pin(self.local, entry)
        for other in self._layers():
            if other is not layer:
                other.use_entry(entry.key)
        if not all(map(self.local.has_blob, entry.files.values())) and self.shared is not None:
            self._pin(self.shared, entry)
        return layer.use_entry(entry.key) and all(map(self.has_blob, entry.files.values()))

    def _pin(self, layer: DiskCache, entry: Entry) -> None:
        """No collection removes what the entry is made of while this process lives."""
        try:
            layer.pins.add([entry.key, *entry.files.values()])
        except OSError:
            if layer is not self.local:
                return  # others' cache: what they take from it meanwhile is made anew
            with disk_errors(layer.root):
                raise

    def _parse(self, key: str, data: bytes | None, *, trusted: bool) -> Entry | None:
        """trusted: it was made here, or was looked at when it came."""
        if data is None:
            return None
        if not trusted and self.signer is not None and not self.signer.accepts(data):
            return None
        try:
            entry = Entry.loads(data, key)
        except ValueError:
            return None
        if not trusted and (name := code_among(entry.outputs)) is not None:
            self._tell(f"ac/{key[:12]}... of a shared cache is refused: it would bring {name}")
            return None
        return entry

    def _fetch(self, key: str, quick: bool) -> Entry | None:
        """The entry from the remote, its blobs brought into the nearest layer that takes them."""
        if self.gives:
            assert self.shared is not None
            with self.sharing():
                return self._bring(self.shared, key, quick)
        return self._bring(self.local, key, quick)

    def _bring(self, layer: DiskCache, key: str, quick: bool) -> Entry | None:
        assert self.remote is not None

        def accept(data: bytes) -> Entry | None:
            entry = self._parse(key, data, trusted=False)
            if entry is not None:
                self._pin(layer, entry)
            return entry

        return fetch(self.remote, key, layer, accept=accept, has_blob=self.has_blob, quick=quick)

    @contextmanager
    def key_lease(self, key: str) -> Iterator[None]:
        """Of all builds that share a cache, or else this checkout's store, one makes ``key``."""
        layer = self.shared if self.shared is not None and self.gives else self.local
        with ExitStack() as held:
            with suppress(OSError):  # not to be locked by us: then each of them makes it
                held.enter_context(lease(layer.root / LOCKS / key[:24]))
            yield

    # blobs

    def _layers(self) -> list[DiskCache]:
        return [self.local] if self.shared is None else [self.local, self.shared]

    def has_blob(self, sha: str) -> bool:
        return any(layer.has_blob(sha) for layer in self._layers())

    def blob(self, sha: str) -> Path:
        """Where the blob lies. Raises BuildError (FG602) where no layer has it."""
        for layer in self._layers():
            if layer.has_blob(sha):
                return layer.blob_path(sha)
        raise _lost(sha)

    def checked_blob(self, sha: str) -> Path:
        """Where a whole copy of the blob lies; damaged ones are told and removed. Raises like blob."""
        for layer in self._layers():
            path = layer.blob_path(sha)
            if layer.has_blob(sha) and hash_file(path) == sha:
                return path
        self._remove_damaged(sha)
        raise _lost(sha)

    def add_blob(self, source: Path, sha: str, *, link: bool = False) -> None:
        """Keep a file in this checkout's layer, unless a whole copy is there."""
        target = self.local.blob_path(sha)
        if target.is_file() and self.blob_digest(target) == sha:
            return
        self.local.add_blob(source, sha, link=link)

    def blob_digest(self, blob: Path) -> str:
        """The digest of a blob's file. That it lies there is nothing that a verdict rests on."""
        with collecting(alone=True):
            return self.digests(blob)

    def _share(self, sha: str) -> None:
        assert self.shared is not None
        if not self.shared.has_blob(sha):
            self.shared.add_blob(self.local.blob_path(sha), sha, link=True)

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """Trouble with the shared layer is said once; from then on it is only read."""
        try:
            yield
        except (BuildError, OSError) as error:
            assert self.shared is not None
            message = error.message if isinstance(error, BuildError) else str(error)
            if self.gives:
                self._tell(f"nothing is put into the cache {self.shared.root}: {message}")
            self.gives = False

    def _tell(self, message: str) -> None:
        sys.stderr.write(f"forgather: {message}\n")

    # artifacts

    def checkout(self, outputs: Mapping[str, Output], target: Path) -> None:
        """Make ``target`` the tree of ``outputs``; an older tree there is replaced whole."""
        with disk_errors(target), self.staging("tree") as folder:
            fresh = folder / "new"
            fresh.mkdir()
            for name, output in outputs.items():
                place = fresh / name
                place.parent.mkdir(parents=True, exist_ok=True)
                self.copy_out(output.digest, place, executable=output.is_executable)
            replace_tree(fresh, target, folder)

    def copy_out(self, sha: str, target: Path, *, executable: bool = False) -> None:
        """A verified copy of a blob; a large one is a read-only link. ``target`` must not exist.

        executable: it can be run; then it is no link, for the blob is not to be run.
        """
        blob = self.blob(sha)
        is_large = blob.stat().st_size >= LINKED_FROM and not executable
        if is_large and self.blob_digest(blob) == sha:
            try:
                os.link(blob, target)
                return
            except OSError:  # another filesystem, or one without links
                clone_file(blob, target, durable=False)
        else:
            clone_file(blob, target, durable=False)
        if executable:
            mode = target.stat().st_mode
            target.chmod(mode | (mode & 0o444) >> 2)  # who may read may run
        if hash_file(target) != sha:
            target.unlink()
            raise self._damaged(sha, target)

    def place(self, output: Output, target: str | Path) -> None:
        """Put a file into its place, whole and checked; what stands there is replaced."""
        target = os.fspath(target)
        if output.size >= LINKED_FROM or os.path.isdir(target):
            with self.staging("file") as folder:
                self.copy_out(output.digest, folder / "new", executable=output.is_executable)
                replace_tree(folder / "new", Path(target), folder)
            return
        data = self._read_blob(output.digest)
        if digest_bytes(data) != output.digest:
            raise self._damaged(output.digest, target)
        folder, _, name = target.rpartition(os.sep)
        aside = f"{folder}{os.sep}.{name}.{os.getpid()}"
        try:
            descriptor = _create(aside, 0o777 if output.is_executable else 0o666)
            with open(descriptor, "wb", buffering=0) as stream:
                while data:  # a full disk may take some of it
                    data = data[stream.write(data) :]
            os.replace(aside, target)
        except BaseException as error:
            with suppress(FileNotFoundError):
                os.unlink(aside)
            with disk_errors(Path(target)):
                raise error

    def _read_blob(self, sha: str) -> bytes:
        for layer in self._layers():
            data = layer.read_blob(sha)
            if data is not None:
                return data
        raise _lost(sha)

    def _damaged(self, sha: str, target: str | Path) -> BuildError:
        self._remove_damaged(sha)
        return BuildError(
            f"the stored copy of {os.path.basename(target)} is damaged (sha256 {sha[:12]}...)",
            hint="it has been removed; run the same command again to rebuild it",
            code=LOST,
        )

    def _remove_damaged(self, sha: str) -> None:
        for layer in self._layers():
            path = layer.blob_path(sha)
            if path.is_file() and hash_file(path) != sha:
                self._tell(f"{path} is damaged and is not used")
                with suppress(
                    OSError
                ):  # others' cache: it cannot be removed, and is not asked again
                    path.unlink()


def _lost(sha: str) -> BuildError:
    return BuildError(
        f"the store has lost a file (sha256 {sha[:12]}...)",
        hint="run the same command again: what is missing is built anew",
        code=LOST,
    )


def replace_tree(fresh: Path, target: Path, scratch: Path) -> None:
    """Put the directory ``fresh`` in the place of ``target`` by renames."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        os.replace(target, scratch / "old")
    elif fresh.is_dir():
        target.unlink(missing_ok=True)
    os.replace(fresh, target)


def _create(path: str, mode: int) -> int:
    """Open a new file; the folder is made if it is not there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        return os.open(path, flags, mode)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, flags, mode)
