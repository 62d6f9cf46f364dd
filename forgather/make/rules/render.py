"""``pp``: the rendered config, and the template line that each part of it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.target import Made, Rule, Target


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return target.compiled.data["inputs"]


def make(build: Build, target: Target, out: Path) -> Made:
    (out / "config.yaml").write_text(target.compiled.text + "\n")
    (out / "spans.json").write_text(target.compiled.files["spans"].read_text())
    return Made()


RULE = Rule("pp", "the rendered config", inputs, make, whole_folder=False)
