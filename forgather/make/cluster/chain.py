"""What follows a training that nobody waits for: jobs that start when the training has done well.

Their action keys depend on weights and logs that do not exist yet, so such a job is named after the
training's key, and its bundle *promises* the rest of the key's inputs. Once the training is collected,
the next build computes the true key of each step and adopts the job's result if promise and what the
job saw give that key; otherwise the step is done as if there had been no job.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.launch.bundle import RESULT_FILE, read_result
from forgather.launch.executors import Engine
from forgather.launch.executors.resources import load_resources
from forgather.launch.outputs import output_digests
from forgather.make.build import Build
from forgather.make.cluster.jobs import JobFolder, job_folder, make_bundle
from forgather.make.cluster.submit import bring_back, is_at_work, wait
from forgather.make.digest import digest_json
from forgather.make.logs import log_path
from forgather.make.target import Target


def chain_key(kind: str, training: str) -> str:
    """The name of the job of this kind that follows the training of this key."""
    return digest_json(f"chain/{kind}", training)


def submit_followers(build: Build, target: Target, chosen: Engine, job: str) -> dict[str, str]:
    """Submit what follows the training ``target``, which is ``job``; the jobs by task name."""
    training = build.key(target)[0]
    found: dict[str, str] = {}
    for follower in build.planner.targets(target.compiled):
        make_promise = build.rules[follower.kind].promise
        if make_promise is None:
            continue
        key = chain_key(follower.kind, training)
        folder = job_folder(build, key)
        if (running := chosen.find(key, folder.path)) is not None:
            found[follower.name] = running
            continue
        promise = make_promise(build, follower)
        out = folder.path / "work" / "out"
        action = _action(build, follower, training, promise, out)
        bundle = make_bundle(
            build,
            follower,
            key,
            action,
            scratch=None,
            outputs={"kind": "tree", "root": action["out"]},
            tasks=1,
            promise=promise,
        )
        resources = load_resources(build.root, follower.kind, {})
        log = log_path(build.directory, follower.name)
        log.unlink(missing_ok=True)
        found[follower.name] = chosen.submit(bundle, resources, log, after=job)
        folder.write_note(engine=chosen.name, job=found[follower.name])
    return found


def _action(
    build: Build, follower: Target, training: str, promise: dict[str, Any], out: Path
) -> dict[str, Any]:
    if follower.kind == "checkpoint":
        package = build.planner.model_package(follower.compiled)
        assert package is not None, "planned only where there is a package"
        return {
            "action": "verify-newest",
            "package": str(build.output_path(f"model:{package[0].id}")),
            "output": str(follower.compiled.meta["output_dir"]),
            "out": str(out),
        }
    return {
        "action": "plot-newest",
        "training": str(job_folder(build, training).path / RESULT_FILE),
        "title": promise["title"],
        "out": str(out),
    }


def adopt(build: Build, target: Target, scratch: Path) -> dict[str, Any] | None:
    """The result of the job that did this step already; None where there is none that fits."""
    if build.rules[target.kind].promise is None:
        return None
    training = build.record(f"train:{target.id}").key
    folder = job_folder(build, chain_key(target.kind, training))
    bundle = folder.bundle
    if bundle is None:
        return None
    report = read_result(folder.path, bundle.ticket)
    if report is None:
        at_work = is_at_work(folder, bundle.key)
        if at_work is None:
            return None
        try:
            wait(build, target, folder, *at_work)
        except BuildError as error:
            if error.code not in ("FG606", "FG656", "FG657"):
                raise
        report = read_result(folder.path, bundle.ticket)
    fits = report is not None and _fits(build, target, folder, bundle.promise, report, scratch)
    if fits:
        bring_back(folder, scratch)
    folder.collected()
    return report["result"] if report is not None and fits else None


def _fits(
    build: Build,
    target: Target,
    folder: JobFolder,
    promise: dict[str, Any],
    report: dict[str, Any],
    scratch: Path,
) -> bool:
    """Did the job do this very action, and are its files, and those made here, what it left?"""
    if report.get("error"):
        return False
    inputs = promise | report["result"].get("seen", {})
    if digest_json(f"action/{target.kind}", inputs) != build.key(target)[0]:
        return False
    left = output_digests({"kind": "tree", "root": str(folder.path / "work" / "out")})
    here = output_digests({"kind": "tree", "root": str(scratch / "out")})
    return left == report["outputs"] and all(left.get(name) == sha for name, sha in here.items())
