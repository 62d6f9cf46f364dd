"""``pp``: the rendered config, and the template line that each part of it came from."""

from __future__ import annotations

from typing import Any

from forgather.make.build import Build
from forgather.make.storage.entry import Output
from forgather.make.target import Rule, Target


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return target.compiled.data["inputs"]


def outputs(build: Build, target: Target) -> dict[str, Output]:
    return {name: target.compiled.outputs[name] for name in ("config.yaml", "spans.json")}


RULE = Rule("pp", "the rendered config", inputs, outputs=outputs, whole_folder=False)
