"""The executor ``local``: a process of this machine, which ends with the build that started it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

from forgather.errors import Interrupted
from forgather.launch.reported import ReportedError


def run_here(command: list[str], environment: dict[str, str], log: Path | None) -> int:
    """The exit status; an interrupt from the keyboard is left to the worker, which saves."""
    if log is None:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    else:
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as stream:
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def read_worker_result(path: Path) -> dict[str, Any]:
    """What the worker reported. Raises the error that it reported, as the user reads it."""
    result = json.loads(path.read_text()) if path.exists() else {}
    if result.get("error"):
        if result.get("exit") == 130:
            raise Interrupted(result["error"])
        raise ReportedError(result["reported"])
    return result


def how_it_ended(code: int) -> str:
    if code >= 0:
        return f"the worker process ended with status {code}"
    name = signal.Signals(-code).name
    reason = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the worker process was ended by {name}{reason}"
