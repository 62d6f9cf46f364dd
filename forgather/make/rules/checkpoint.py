"""``checkpoint``: a model directory that can be deployed: weights beside code, loaded once to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.launch.outputs import weight_files
from forgather.make.build import Build
from forgather.make.storage.disk_cache import clone_file
from forgather.make.target import Made, Rule, Target
from forgather.make.worker_call import run_worker


def _sources(build: Build, target: Target) -> tuple[Path, Path]:
    """The model package and the final checkpoint."""
    train = build.record(f"train:{target.id}")
    package = build.planner.model_package(target.compiled)
    assert package is not None, "planned only where there is a package"
    checkpoint = build.root / train.place / train.values["checkpoint"]
    return build.output_path(f"model:{package[0].id}"), checkpoint


def inputs(build: Build, target: Target) -> dict[str, Any]:
    train = build.record(f"train:{target.id}")
    name = train.values["checkpoint"]
    weights = {
        Path(path).name: sha for path, sha in train.files.items() if path.startswith(f"{name}/")
    }
    return promise(build, target) | {"weights": weights}


def promise(build: Build, target: Target) -> dict[str, Any]:
    """The inputs that are known before the training is done."""
    package = build.planner.model_package(target.compiled)
    assert package is not None
    return {"package": build.output_digest(f"model:{package[0].id}")}


def make(build: Build, target: Target, out: Path) -> Made:
    package, checkpoint = _sources(build, target)
    for source in [*package.iterdir(), *(checkpoint / name for name in weight_files(checkpoint))]:
        if source.is_file():
            clone_file(source, out / source.name)
    action = {"action": "verify", "directory": str(out), "checkpoint": str(checkpoint)}
    result = run_worker(build, target, action, out.parent)
    return Made(result.get("values", {}))


RULE = Rule(
    "checkpoint", "a verified model directory", inputs, make, promise=promise, folder="checkpoint"
)
