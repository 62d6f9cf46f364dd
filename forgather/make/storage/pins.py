"""Pins: what running processes use of a store or cache, so that no garbage collection removes it.

Every process that takes something out of a cache, or puts something in, has a file ``pins/<id>`` there,
with an flock on it that the kernel gives back when the process dies, however it dies. *Before* it looks
whether an entry or a blob is there, it writes the name into its file. A collection removes things in
short batches; each holds ``pins/.lock`` exclusively and begins by reading the pins of all living
processes. Writing a name holds the same lock shared. So one of two things happens:

* the name is written first: the batch reads it and spares what it names;
* the batch comes first: the process looks afterwards, finds nothing, and makes or fetches it anew.

Never is something found and removed a moment later. No clock is asked, so none can be wrong, and a
process that is killed leaves a file without a lock, which the next collection takes away. Scratch
folders begin with the id of their process, and are garbage as soon as that has no lock.

This module knows names only, not what they are names of.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "pins"
LOCK = ".lock"


class Pins:
    """The pins of this process in the cache at ``root``. Nothing is written before the first one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._own: _Own | None = None
        self._end: weakref.finalize | None = None
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """What names of this process's scratch files begin with."""
        with self._lock:
            return self._opened().id

    def add(self, names: Iterable[str]) -> None:
        """Keep ``names`` from being removed while this process lives. Raises OSError."""
        with self._lock:
            own = self._opened()
            if new := set(names) - own.names:
                # A disk that is full takes half a line: the next one must not go on with that.
                data = "".join(f"\n{name}" for name in new).encode()
                fcntl.flock(own.lock, fcntl.LOCK_SH)
                try:
                    while data:
                        data = data[os.write(own.descriptor, data) :]
                finally:
                    fcntl.flock(own.lock, fcntl.LOCK_UN)
                own.names |= new

    def close(self) -> None:
        """Give everything up; whoever pins again begins anew."""
        with self._lock:
            if self._end is not None:
                self._end()
            self._own = self._end = None

    def _opened(self) -> _Own:
        own = self._own
        if own is None or own.process != os.getpid():  # a fork has pins of its own
            if self._end is not None:
                self._end.detach()
            own = self._own = _open(self.root)
            self._end = weakref.finalize(self, _close, self.root, own)
        return own


@dataclass
class _Own:
    id: str
    process: int
    descriptor: int
    lock: int  # kept open, for there are many names
    names: set[str] = field(default_factory=set)


def _open(root: Path) -> _Own:
    """A file that never stands there without its lock, as far as a collection can see."""
    name = f"{os.getpid()}-{os.urandom(4).hex()}"
    lock = _open_lock(root)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        path = root / FOLDER / name
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_UN)
    except BaseException:
        os.close(lock)
        raise
    return _Own(name, os.getpid(), descriptor, lock)


def _close(root: Path, own: _Own) -> None:
    if own.process == os.getpid():
        with suppress(OSError):  # somebody removed the whole cache
            os.unlink(root / FOLDER / own.id)
        os.close(own.descriptor)
        os.close(own.lock)


def _open_lock(root: Path) -> int:
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)


# for a collection


@dataclass(frozen=True)
class Living:
    """ids: of the processes that live; names: what they have pinned."""

    ids: frozenset[str]
    names: frozenset[str]


@contextmanager
def sweeping(root: Path) -> Iterator[Living]:
    """Hold off everybody who wants to pin something; yields what is pinned."""
    lock = _open_lock(root)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield _living(root / FOLDER)
    finally:
        os.close(lock)


def _living(folder: Path) -> Living:
    """The pins of living processes; those of dead ones are removed."""
    ids: set[str] = set()
    names: set[str] = set()
    for name in os.listdir(folder):
        if name == LOCK:
            continue
        pinned = _read(folder / name)
        if pinned is not None:
            ids.add(name)
            names.update(pinned)
    return Living(frozenset(ids), frozenset(names))


def _read(path: Path) -> list[str] | None:
    """The names in a file of a living process; None where it is dead, and its file is gone."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:  # it has just ended
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read().decode().split()
    else:
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(descriptor)
