"""The action ``plot``: loss curves and summary statistics of a run's log. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def plot_run(action: dict[str, Any]) -> dict[str, Any]:
    from forgather.ml.analysis import TrainingLog, compute_summary_statistics, plot_loss_curves

    log = TrainingLog.from_file(action["log"])
    out = Path(action["out"])
    plot_loss_curves(log, output=out / "loss.png", title=action["title"])
    summary = compute_summary_statistics(log)
    summary["log_path"] = Path(summary["log_path"]).name
    evaluations = log.get_eval_records()
    if evaluations:
        summary["first_eval_loss"] = evaluations[0]["eval_loss"]
    (out / "summary.json").write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    return {}
