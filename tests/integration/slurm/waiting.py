"""Waiting for what another process does."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

# Between looks that start a program or read all of /proc: asked without a rest, a controller and the
# jobs of the test itself would find no free core.
ASKING = 0.25


def wait_until(
    condition: Callable[[], Any],
    what: str,
    process: subprocess.Popen | None = None,
    *,
    seconds: float = 120,
    pause: float = 0.02,
) -> Any:
    """What ``condition`` gives as soon as that is true. In vain where ``process`` ends before."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: it did not happen in {seconds} s"
        assert process is None or process.poll() is None, process.communicate()[0]
        time.sleep(pause)
    return found
