"""The steps at work in this process, whichever thread does them.

An interrupt reaches every worker by itself, and each ends in its own way: a training saves first. A build
that ended before them would take them with it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    def __init__(self) -> None:
        self._names: list[str] = []
        self._changed = threading.Condition()

    @contextmanager
    def doing(self, name: str) -> Iterator[None]:
        with self._changed:
            self._names.append(name)
        try:
            yield
        finally:
            with self._changed:
                self._names.remove(name)
                self._changed.notify_all()

    def wait(self) -> None:
        """Until none is at work. Another interrupt ends the waiting."""
        with self._changed:
            if self._names:
                names = ", ".join(self._names)
                sys.stderr.write(
                    f"interrupted; {names}: waiting for the end of it (or Ctrl-C again)\n"
                )
            while self._names:  # with a time limit, or no interrupt would come through
                self._changed.wait(1.0)


STEPS = Steps()
