"""Runs one action in a process of its own and brings back its result or its error.

The action is a JSON file (see :mod:`forgather.launch.worker`): the worker never loads a project.
A worker dies with the build that started it, so that a killed build leaves no training behind that
would race with the next one. An action may run as a job of a cluster instead, which does outlive the
build (:mod:`forgather.make.cluster.run`); nothing of that is imported where there are no jobs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.launch.command import worker_command
from forgather.launch.executors import LOCAL, check_executor
from forgather.launch.executors.local import how_it_ended, read_worker_result, run_here
from forgather.make.build import Build
from forgather.make.digest import canonical_json
from forgather.make.logs import log_path
from forgather.make.target import Target


def run_worker(build: Build, target: Target, action: dict[str, Any], folder: Path) -> dict:
    """Run ``action``; ``folder`` is scratch space. Raises what the worker reported."""
    has_jobs = (build.directory / "jobs").is_dir()
    if has_jobs and target.kind != "train":
        from forgather.make.cluster.chain import adopt

        if (result := adopt(build, target, folder)) is not None:
            return result
    if runs_elsewhere(build, target.kind) or (has_jobs and _is_underway(build, target)):
        from forgather.make.cluster.run import run_as_job

        return run_as_job(build, target, action, folder)
    return _run_in_process(build, target, action, folder)


def runs_elsewhere(build: Build, kind: str) -> bool:
    """Whether steps of this kind go to a cluster: trainings do, where an executor is chosen."""
    if check_executor(build.options.executor) == LOCAL:
        return False
    kinds = os.environ.get("FORGATHER_EXECUTOR_KINDS") or "train"
    return kind in kinds.replace(",", " ").split()


def _is_underway(build: Build, target: Target) -> bool:
    """Whether a job does it already: then it is waited for, whatever executor is chosen now."""
    from forgather.make.cluster.submit import is_underway

    return is_underway(build, target)


def take_result(build: Build, key: str) -> None:
    """What the job of ``key`` did is safe now: forget the job."""
    if (build.directory / "jobs" / key).is_dir():
        from forgather.make.cluster.jobs import job_folder

        job_folder(build, key).collected()


def refuse_other_job(build: Build, output: Path, old_key: str | None, key: str) -> None:
    """Raises BuildError while a job trains another key in ``output``."""
    if old_key not in (None, key) and (build.directory / "jobs" / str(old_key)).is_dir():
        from forgather.make.cluster.submit import refuse_while_running

        refuse_while_running(build, output, str(old_key))


def _run_in_process(build: Build, target: Target, action: dict[str, Any], folder: Path) -> dict:
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
    log = log_path(build.directory, target.name)
    code = run_here(command, environment, log if build.options.log_to_files else None)
    result = read_worker_result(result_path)
    if code != 0:
        raise BuildError(f"{target.name}: {how_it_ended(code)}", hint=_log_hint(build, log))
    return result


def _log_hint(build: Build, log: Path) -> str:
    if build.options.log_to_files:
        return f"its output is in {os.path.relpath(log, build.root)}"
    return "its own output is above; finished steps are kept, run the same command to go on"
