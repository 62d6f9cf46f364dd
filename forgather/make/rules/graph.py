"""``graph``: the compiled graph, as versioned JSON.

Its key is over the file, with the order and the names in it, so that what stands below ``build/`` is what
a build from nothing makes. What depends on the config depends on its canonical form instead.
"""

from __future__ import annotations

from typing import Any

from forgather.make.build import Build
from forgather.make.storage.entry import Output
from forgather.make.target import Rule, Target


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return {"graph": target.compiled.outputs["graph.json"].digest}


def outputs(build: Build, target: Target) -> dict[str, Output]:
    return {"graph.json": target.compiled.outputs["graph.json"]}


RULE = Rule("graph", "the compiled graph", inputs, outputs=outputs, whole_folder=False)
