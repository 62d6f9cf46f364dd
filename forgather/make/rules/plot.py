"""``plot``: loss curves and summary statistics of a run, from its log alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.target import Made, Rule, Target
from forgather.make.worker_call import run_worker
from forgather.runs.layout import LOG_FILE


def inputs(build: Build, target: Target) -> dict[str, Any]:
    train = build.record(f"train:{target.id}")
    analysis = sorted((Path(__file__).parents[2] / "ml" / "analysis").glob("*.py"))
    return {
        "log": train.files[f"{train.values['run']}/{LOG_FILE}"],
        "title": target.compiled.meta.get("config_name") or target.id,
        "code": {path.name: build.digests(path) for path in analysis},
        "toolchain": build.toolchain("matplotlib"),
    }


def make(build: Build, target: Target, out: Path) -> Made:
    train = build.record(f"train:{target.id}")
    action = {
        "action": "plot",
        "log": str(build.root / train.place / train.values["run"] / LOG_FILE),
        "title": target.compiled.meta.get("config_name") or target.id,
        "out": str(out),
    }
    run_worker(build, target, action, out.parent)
    return Made()


RULE = Rule("plot", "loss curves of the run", inputs, make, folder="plot")
