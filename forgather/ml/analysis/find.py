"""Where the logs of a project are."""

from __future__ import annotations

from pathlib import Path

from forgather.runs.layout import LOG_FILE, list_runs

MODELS_DIRECTORY = "output_models"


def find_log_files(project_dir: str | Path = ".") -> list[Path]:
    """``<project>/output_models/*/runs/*/trainer_logs.json``, the last written first."""
    models = Path(project_dir).glob(f"{MODELS_DIRECTORY}/*")
    found = [run / LOG_FILE for model in models for run in list_runs(model)]
    # The name breaks ties: two logs written in the same tick have one order on every machine.
    return sorted(found, key=lambda path: (-path.stat().st_mtime_ns, str(path)))
