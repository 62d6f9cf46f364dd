"""The config a run was started with, kept beside its records as ``config.yaml``.

Text in, text out: what the config means is for the compiler to say. A run directory that already
has a snapshot (a resumed training) keeps its first one.
"""

from __future__ import annotations

import os
from pathlib import Path

from forgather.runs.layout import CONFIG_FILE


def write_snapshot(run_directory: str | Path, text: str) -> Path:
    path = Path(run_directory) / CONFIG_FILE
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
    return path
