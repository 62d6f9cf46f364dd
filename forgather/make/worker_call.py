"""Runs one action in a process of its own and brings back its result or its error.

The action is a JSON file (see :mod:`forgather.launch.action`): the worker never loads a project.
A worker dies with the build that started it, so that a killed build leaves no training behind that
would race with the next one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, Interrupted
from forgather.launch.command import worker_command
from forgather.make.build import Build
from forgather.make.digest import canonical_json
from forgather.make.target import Target


def run_worker(build: Build, target: Target, action: dict[str, Any], folder: Path) -> dict:
    """Run ``action``; ``folder`` is scratch space. Raises what the worker reported."""
    result_path = folder / "result.json"
    spec = folder / "action.json"
    spec.write_text(canonical_json(action | {"schema": 1, "result": str(result_path)}))
    processes = int(action.get("processes", 1))
    command = worker_command(spec, processes=processes, extra=build.options.launcher_args)
    # Threads that wait by spinning take the core from whoever they wait for: on a busy machine a
    # training is ten times slower for it, and on a quiet one nothing is gained.
    environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
    environment.update(action.get("environment") or {})
    if build.options.devices is not None:
        environment["CUDA_VISIBLE_DEVICES"] = build.options.devices
    log = build.directory / "log" / f"{target.name.replace(':', '-').replace('/', '+')}.log"
    code = _run(command, environment, log if build.options.log_to_files else None)
    result = json.loads(result_path.read_text()) if result_path.exists() else {}
    if result.get("error"):
        kind = Interrupted if result.get("exit") == 130 else BuildError
        raise kind(result["error"], code="FG606")
    if code != 0:
        raise BuildError(f"{target.name}: {_how_it_ended(code)}", hint=_log_hint(build, log))
    return result


def _run(command: list[str], environment: dict[str, str], log: Path | None) -> int:
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


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"the worker process ended with status {code}"
    name = signal.Signals(-code).name
    reason = " (out of memory?)" if name == "SIGKILL" else ""
    return f"the worker process was ended by {name}{reason}"


def _log_hint(build: Build, log: Path) -> str:
    if build.options.log_to_files:
        return f"its output is in {os.path.relpath(log, build.root)}"
    return "its own output is above; finished steps are kept, run the same command to go on"
