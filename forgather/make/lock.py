"""Leases: of all builds that want the same artifact, one makes it and the others wait.

A lease is an flock on a file, mostly in a folder ``locks``. The kernel gives it back when its holder
dies, however it dies, so there is no process id to guess about. The file stays, for others may have it
open and wait; a collection takes it away later, by :func:`remove_unheld`. What holds:

1. A file is removed by one who holds it, and by nobody else.
2. Whoever comes to hold a file looks whether the path still leads to it. If not, it was removed in the
   meantime, and another may hold the file that is there now: then it begins anew.

So never do two have a lease on the same path.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = "locks"  # of a build root's build/, and of each cache: a file for each task or key


@contextmanager
def lease(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold ``path`` exclusively; waits for another holder (a thread or a process), or yields False."""
    try:
        while (descriptor := _held(path, wait)) is None:
            pass
    except BlockingIOError:
        yield False
        return
    try:
        yield True
    finally:
        os.close(descriptor)


def _held(path: Path, wait: bool) -> int | None:
    """A descriptor that holds ``path``; None where its file was removed meanwhile.

    Raises BlockingIOError where another holds it, and that is not to be waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    is_ours = False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        is_ours = leads_to(path, os.fstat(descriptor))
    finally:
        if not is_ours:
            os.close(descriptor)
    return descriptor if is_ours else None


def leads_to(path: Path, file: os.stat_result) -> bool:
    """Is ``file`` what lies at ``path``, and not removed or replaced since?"""
    try:
        return os.path.samestat(os.stat(path), file)
    except FileNotFoundError:
        return False


# for a collection


@contextmanager
def _unheld(path: Path) -> Iterator[bool]:
    """Hold ``path`` if nobody does; yields whether that is so, and never waits."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except (FileNotFoundError, PermissionError):  # it has just gone; another user's is not ours
        yield False
        return
    try:
        yield _takes(descriptor) and leads_to(path, os.fstat(descriptor))
    finally:
        os.close(descriptor)


def _takes(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_unheld(path: Path) -> bool:
    """Is this the file of a lease that nobody holds at the moment?"""
    with _unheld(path) as is_free:
        return is_free


def remove_unheld(path: Path) -> None:
    """Remove the file of a lease, unless somebody holds it."""
    with _unheld(path) as is_free:
        if is_free:
            path.unlink(missing_ok=True)
