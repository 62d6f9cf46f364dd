"""The config a run was started with, kept beside its records as ``config.yaml``.

Text in, text out: what the config means is for the compiler to say. A run directory that already
has a snapshot (a resumed training) keeps its first one.
"""

from __future__ import annotations

from pathlib import Path

from forgather.durable import replace_file
from forgather.runs.layout import CONFIG_FILE


def write_snapshot(run_directory: str | Path, text: str) -> Path:
    path = Path(run_directory) / CONFIG_FILE
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text)
    return path
