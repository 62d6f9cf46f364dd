"""Actions as jobs of a cluster: submitted once, waited for by whoever asks, collected once.

A job outlives the build that submitted it. The order that makes this safe: the bundle is written, then
the queue is asked for a job of this name, then one is submitted; the node writes the result; the build
takes it, and marks the folder as collected. Killed at any point, the next build finds the job in the
queue, or the result in the folder, or neither, and then nothing is running.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, Interrupted, UsageError
from forgather.launch.bundle import Bundle
from forgather.launch.executors import ENGINES, Engine, engine
from forgather.launch.executors.resources import Resources, load_resources
from forgather.launch.outputs import output_digests
from forgather.make.build import Build
from forgather.make.cluster.jobs import JobFolder, job_folder, link_or_copy, make_bundle
from forgather.make.digest import tree_files
from forgather.make.logs import log_path
from forgather.make.target import Target

EXPORTED = (
    "export"  # in place of an engine: the bundle was given away, and nobody is asked about it
)
LOOK_SECONDS = 0.2  # between looks at the result file: a stat, nobody is asked
PATIENCE = 3  # how often a job may be found dead before its result is no longer waited for


def bring_back(folder: JobFolder, scratch: Path) -> None:
    """Give the action's outputs the place where the build expects them."""
    root = folder.path / "work"
    for name in tree_files(root):
        link_or_copy(root / name, scratch / name)


def is_underway(build: Build, target: Target) -> bool:
    """Whether a job does it, or did it while nobody waited."""
    key, _inputs = build.key(target)
    folder = job_folder(build, key)
    if folder.bundle is None:
        return False
    return folder.result() is not None or is_at_work(folder, key) is not None


def is_at_work(folder: JobFolder, key: str) -> tuple[Engine, str] | None:
    """The engine and the job that waits or runs."""
    if folder.note().get("engine") == EXPORTED:
        return None
    chosen = _engine_of(folder)
    job = living(folder, chosen, key)
    return (chosen, job) if job is not None else None


def _engine_of(folder: JobFolder) -> Engine:
    name = folder.note().get("engine")
    return engine(next(iter(ENGINES)) if name in (None, EXPORTED) else name)


def submit(
    build: Build, target: Target, action: dict[str, Any], scratch: Path
) -> tuple[Engine, str | None]:
    """The engine and job of an action; no job where its result is there already."""
    key, _inputs = build.key(target)
    folder = job_folder(build, key)
    if folder.bundle is not None and folder.result() is not None:
        return _engine_of(folder), None
    chosen = _engine_of(folder) if folder.bundle else engine(build.options.executor)
    job = living(folder, chosen, key)
    if job is not None:
        if folder.bundle is None:
            raise _orphan(folder, chosen, job)
        return chosen, job
    if folder.bundle is not None and (lost := folder.note().get("job")):
        _say(f"{target.name}: job {lost} ended without a result; it is submitted again")
    if build.options.launcher_args:
        raise UsageError(
            "arguments for torchrun mean nothing to a cluster",
            hint="set nodes and tasks in meta.resources or [tool.forgather.slurm]",
        )
    chosen = engine(build.options.executor)
    bundle, resources = _prepare(build, target, action, scratch)
    log = log_path(build.directory, target.name)
    log.unlink(missing_ok=True)
    job = chosen.submit(bundle, resources, log)
    folder.write_note(**folder.note() | {"engine": chosen.name, "job": job})
    return chosen, job


def export_job(build: Build, target: Target, action: dict[str, Any], output: str) -> Path:
    """Write the bundle of a training, and a file for another scheduler that runs it; its path."""
    from forgather.launch.executors.export import export

    key, _inputs = build.key(target)
    folder = job_folder(build, key)
    if folder.bundle is not None and folder.result() is None and is_at_work(folder, key):
        raise BuildError(
            f"{target.name} is underway as job {folder.note().get('job')}",
            hint="wait for it, or end it, before you give it to another scheduler",
            code="FG658",
        )
    bundle, resources = _prepare(build, target, action, folder.path)
    folder.write_note(**folder.note() | {"engine": EXPORTED, "job": None})
    place = folder.path / f"{output}.yaml"
    place.write_text(export(bundle, resources, build.root, output))
    return place


def _prepare(
    build: Build, target: Target, action: dict[str, Any], scratch: Path
) -> tuple[Bundle, Resources]:
    """The bundle of an action, and what it asks for."""
    key, _inputs = build.key(target)
    resources = load_resources(build.root, target.kind, target.compiled.meta)
    is_training = target.kind == "train"
    output = str(target.compiled.meta.get("output_dir"))
    bundle = make_bundle(
        build,
        target,
        key,
        action,
        scratch=None if is_training else scratch,
        outputs={"kind": "checkpoint", "root": output} if is_training else _tree(scratch),
        tasks=resources.tasks or int(action.get("processes", 1)),
    )
    return bundle, resources


def _orphan(folder: JobFolder, chosen: Engine, job: str) -> BuildError:
    return BuildError(
        f"job {job} still runs, but its folder {folder.path} was removed",
        hint=f"its result has no place any more: {chosen.how_to_cancel(job)}",
        code="FG658",
    )


def _tree(scratch: Path) -> dict[str, str]:
    return {"kind": "tree", "root": str(scratch / "out")}


def living(folder: JobFolder, chosen: Engine, key: str) -> str | None:
    """The job of this folder that waits or runs; not one whose result was collected."""
    note = folder.note()
    return chosen.find(key, folder.path, ignore=note.get("collected"))


def wait(
    build: Build, target: Target, folder: JobFolder, chosen: Engine, job: str | None
) -> dict[str, Any]:
    """The result of the job; raises what the action reported, or how the job ended."""
    shown = _Log(build, target)
    try:
        if job is not None:
            _say(f"{target.name}: job {job} ({chosen.state(job).text}); Ctrl-C leaves it running")
        report = _wait_for_report(folder, chosen, job, shown, target)
    except KeyboardInterrupt:
        raise Interrupted(
            f"{target.name}: job {job} goes on; {build.options.command} {target.name} waits for it "
            f"again, {chosen.how_to_cancel(job or '')} ends it"
        ) from None
    folder.write_note(**folder.note() | {"collected": job or folder.note().get("job")})
    if report.get("error"):
        folder.collected()
        raise BuildError(report["error"], hint=shown.hint(), code="FG606")
    _check_outputs(target, folder, report)
    return report.get("result") or {}


def _wait_for_report(
    folder: JobFolder, chosen: Engine, job: str | None, shown: _Log, target: Target
) -> dict[str, Any]:
    asked, dead = time.monotonic(), 0
    while (report := folder.result()) is None:
        shown.follow()
        if time.monotonic() - asked >= chosen.poll_seconds:
            asked = time.monotonic()
            state = chosen.state(job or "")
            dead = 0 if state.is_alive else dead + 1
            if dead >= PATIENCE and folder.result() is None:
                raise BuildError(
                    f"{target.name}: job {job} ended without a result: {state.text}",
                    hint=f"{shown.hint()}; run the same command again to go on from there",
                    code="FG656",
                )
        time.sleep(LOOK_SECONDS)
    shown.follow()
    return report


def _check_outputs(target: Target, folder: JobFolder, report: Mapping[str, Any]) -> None:
    """What the node wrote must still be what it wrote. Raises BuildError (FG657)."""
    bundle = folder.bundle
    assert bundle is not None
    if output_digests(bundle.outputs) != report.get("outputs"):
        folder.collected()
        raise BuildError(
            f"what {target.name} left in {bundle.outputs['root']} is not what its job reported",
            hint="somebody else wrote there, or the disk is out of step; run the same command again",
            code="FG657",
        )


def refuse_while_running(build: Build, output: Path, old_key: str) -> None:
    """Raises BuildError (FG658) while the job of ``old_key`` still trains in ``output``."""
    folder = job_folder(build, old_key)
    if folder.bundle is None or folder.result() is not None:
        return
    chosen = _engine_of(folder)
    job = living(folder, chosen, old_key)
    if job is not None:
        raise BuildError(
            f"job {job} still trains in {output}, with what the config was before",
            hint=f"wait for it, or end it: {chosen.how_to_cancel(job)}",
            code="FG658",
        )


def _say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


class _Log:
    """Shows what a job writes, as far as a step of this build would show it."""

    def __init__(self, build: Build, target: Target) -> None:
        self.path = log_path(build.directory, target.name)
        self.is_shown = not build.options.log_to_files
        self.place = os.path.relpath(self.path, build.root)
        self.seen = 0

    def follow(self) -> None:
        if not self.is_shown or not self.path.exists():
            return
        with open(self.path, "rb") as stream:
            stream.seek(self.seen)
            data = stream.read()
        self.seen += len(data)
        sys.stdout.write(data.decode(errors="replace"))
        sys.stdout.flush()

    def hint(self) -> str:
        return f"its output is in {self.place}"
