"""``graph``: the compiled graph, as versioned JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.target import Made, Rule, Target


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return {"graph": target.compiled.data["graph_digest"]}


def make(build: Build, target: Target, out: Path) -> Made:
    (out / "graph.json").write_text(target.compiled.files["graph"].read_text())
    return Made()


RULE = Rule("graph", "the compiled graph", inputs, make, whole_folder=False)
