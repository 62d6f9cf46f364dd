"""What tokenizer, dataset and model rules share: materialize a target in a worker and keep it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.material import material, runtime_config, runtime_edges
from forgather.make.target import Made, Target
from forgather.make.worker_call import run_worker


def target_inputs(build: Build, target: Target, names: list[str], *packages: str) -> dict[str, Any]:
    """Key material of the named targets of a config."""
    return {
        "targets": {name: material(build, target.compiled, name, own_code=True) for name in names},
        "toolchain": build.toolchain(*packages),
    }


def materialize_in_worker(build: Build, target: Target, names: list[str], out: Path) -> Made:
    """Build the named targets; the worker saves each of them below ``out``."""
    ready = set(target.deps)
    action = {
        "action": "materialize",
        "config": runtime_config(build, target.compiled, ready),
        "edges": runtime_edges(build, target.compiled, ready),
        "targets": names,
        "out": str(out),
    }
    result = run_worker(build, target, action, out.parent)
    return Made(result.get("values", {}), result.get("reads", []))
