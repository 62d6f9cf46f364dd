"""``plot``: loss curves and summary statistics of a run, from its log alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.probes import note_listing
from forgather.make.sweeps import variants
from forgather.make.target import Made, Rule, Target
from forgather.make.worker_call import run_worker
from forgather.runs.layout import LOG_FILE


def inputs(build: Build, target: Target) -> dict[str, Any]:
    train = build.record(f"train:{target.id}")
    return promise(build, target) | {"log": train.files[f"{train.values['run']}/{LOG_FILE}"]}


def promise(build: Build, target: Target) -> dict[str, Any]:
    """The inputs that are known before the training is done."""
    folder = Path(__file__).parents[2] / "ml" / "analysis"
    note_listing(folder)
    analysis = sorted(folder.glob("*.py"))
    return {
        "title": title(target),
        "code": {path.name: build.digests(path) for path in analysis},
        "toolchain": build.toolchain("matplotlib"),
    }


def title(target: Target) -> str:
    """The config's title; of a variant, with its values."""
    name = target.compiled.meta.get("config_name")
    suffix = variants.split(target.id)[1]
    return f"{name} ({suffix})" if name and suffix else str(name or target.id)


def make(build: Build, target: Target, out: Path) -> Made:
    train = build.record(f"train:{target.id}")
    action = {
        "action": "plot",
        "log": str(build.root / train.place / train.values["run"] / LOG_FILE),
        "title": title(target),
        "out": str(out),
    }
    run_worker(build, target, action, out.parent)
    return Made()


RULE = Rule("plot", "loss curves of the run", inputs, make, promise=promise, folder="plot")
