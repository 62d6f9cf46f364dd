"""What follows a training, done on a node: its inputs are what the training left, and known only then.

The result says which inputs were seen, with their digests. A build that comes later computes the keys of
these steps, and takes the result where they are the same.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.launch.outputs import output_digests, weight_files
from forgather.launch.plotting import plot_run
from forgather.launch.verify import verify_model
from forgather.runs.layout import LOG_FILE, list_checkpoints


def verify_newest(action: dict[str, Any]) -> dict[str, Any]:
    """Put weights beside code and load the model, as the ``checkpoint`` rule does."""
    checkpoints = list_checkpoints(action["output"])
    if not checkpoints:
        raise BuildError(f"the training left no checkpoint in {action['output']}", code="FG608")
    newest, out = checkpoints[-1][1], Path(action["out"])
    names = weight_files(newest)
    for source in [*Path(action["package"]).iterdir(), *(newest / name for name in names)]:
        if source.is_file():
            shutil.copyfile(source, out / source.name)
    found = output_digests({"kind": "checkpoint", "root": action["output"]})
    result = verify_model({"directory": str(out)})
    return result | {"seen": {"weights": {Path(name).name: sha for name, sha in found.items()}}}


def plot_newest(action: dict[str, Any]) -> dict[str, Any]:
    """Plot the run that the training's result names, as the ``plot`` rule does."""
    report = json.loads(Path(action["training"]).read_text())
    log = Path(report["result"]["values"]["run"]) / LOG_FILE
    result = plot_run(action | {"log": str(log)})
    return result | {"seen": {"log": hashlib.sha256(log.read_bytes()).hexdigest()}}
