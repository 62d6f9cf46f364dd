"""``model``: the standalone model package: generated code, used parts, config and tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.probes import note_listing
from forgather.make.rules.materialized import materialize_in_worker, target_inputs
from forgather.make.target import Made, Rule, Target
from forgather.resources import modelsrc_dir


def inputs(build: Build, target: Target) -> dict[str, Any]:
    note_listing(modelsrc_dir() / "hf")
    shells = sorted((modelsrc_dir() / "hf").glob("*.template"))
    return {
        **target_inputs(build, target, ["model_package"], "transformers", "black"),
        "shell": {path.name: build.digests(path) for path in shells},
    }


def make(build: Build, target: Target, out: Path) -> Made:
    return materialize_in_worker(build, target, ["model_package"], out)


RULE = Rule("model", "a standalone model package", inputs, make, folder="model")
