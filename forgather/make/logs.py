"""Where the output of a step goes when it does not go to the terminal, and how it is shown again."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from forgather.make.sweeps import variants

TAIL = 40  # lines of a log that are shown when its step has ended


def log_path(build: Path, task: str) -> Path:
    """The log of a task below the build directory."""
    kind, _, config = task.partition(":")
    return build / "log" / f"{kind}-{variants.folder(config).replace('/', '+')}.log"


def signature(path: Path) -> tuple[int, int, int] | None:
    """What changes when a log is written anew; None where there is none."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def is_empty(path: Path) -> bool:
    """Nothing was written to it, or it is not there."""
    found = signature(path)
    return found is None or found[1] == 0


def tail(path: Path, lines: int = TAIL) -> tuple[list[str], int]:
    """The last lines of a log as a terminal would have left them, and how many stand before them.

    Of a line that was drawn again and again (a progress bar) only its last state counts.
    """
    kept: deque[str] = deque(maxlen=lines)
    count = 0
    with open(path, encoding="utf-8", errors="replace", newline="\n") as stream:
        for line in stream:
            kept.append(_last_state(line))
            count += 1
    return list(kept), count - len(kept)


def _last_state(line: str) -> str:
    return line.rstrip("\r\n").rpartition("\r")[2].rstrip()
