"""Leases: of all builds that want the same artifact, one makes it and the others wait.

A lease is an flock on a file under ``build/locks``. The kernel gives it back when its holder dies,
however it dies, so there is nothing to clean up and no process id to guess about.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lease(path: Path) -> Iterator[None]:
    """Hold ``path`` exclusively; waits for another holder (a thread or a process)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
