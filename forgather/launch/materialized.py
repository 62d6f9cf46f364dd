"""The action ``materialize``: build targets of a compiled config and save them as artifacts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from forgather.launch.artifacts import load_artifact, save_artifact
from forgather.launch.compiled import CompiledConfig, Session
from forgather.launch.reads import reads_of


def materialize_targets(action: dict[str, Any]) -> dict[str, Any]:
    from forgather.ml.datasets.inputs import collect_inputs

    session = Session(action["edges"], action.get("values", {}), load_artifact)
    config = CompiledConfig(action["config"], session)
    out = Path(action["out"])
    with collect_inputs() as inputs, tempfile.TemporaryDirectory(dir=out.parent) as scratch:
        built = config.materialize(action["targets"], build_dir=scratch)
        for name, value in built.items():
            if value is not None:
                save_artifact(name, value, out)
    return {"reads": reads_of(inputs)}
