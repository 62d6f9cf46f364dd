"""A step as a job: submitted, or found in the queue, and waited for, or left with what follows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.cluster.chain import submit_followers
from forgather.make.cluster.deferred import Submitted
from forgather.make.cluster.jobs import job_folder
from forgather.make.cluster.submit import bring_back, submit, wait
from forgather.make.target import Target


def run_as_job(build: Build, target: Target, action: dict[str, Any], scratch: Path) -> dict:
    """Run ``action`` as a job, or wait for the one that runs it already."""
    key, _inputs = build.key(target)
    folder = job_folder(build, key)
    chosen, job = submit(build, target, action, scratch)
    if job is not None and build.options.detach:
        more = submit_followers(build, target, chosen, job)
        raise Submitted(_submitted(target, job, more))
    result = wait(build, target, folder, chosen, job)
    if target.kind != "train":  # a training's result is taken when its ledger says "done"
        bring_back(folder, scratch)
        folder.collected()
    return result


def _submitted(target: Target, job: str, more: Mapping[str, str]) -> str:
    chain = "".join(f", then {name} as job {one}" for name, one in more.items())
    return f"{target.name} is job {job}{chain}"
