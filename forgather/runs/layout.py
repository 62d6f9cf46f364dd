"""Names in an output directory: where runs and checkpoints are, found by name and never by time.

::

    <output_dir>/
    ├── checkpoint-<step>/          (read in <output_dir>/checkpoints/ too)
    └── runs/<log_name>_<time>/
        ├── trainer_logs.json       records.py
        ├── config.yaml             snapshot.py
        └── samples.jsonl           generated text

This module knows names only; whether a checkpoint is whole is for ``ml.checkpoint`` to say.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

CHECKPOINT_PREFIX = "checkpoint-"
MANIFEST_FILE = "checkpoint_manifest.json"
LOG_FILE = "trainer_logs.json"
CONFIG_FILE = "config.yaml"
SAMPLES_FILE = "samples.jsonl"
RUNS_DIRECTORY = "runs"

_CHECKPOINT_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoint_path(output_dir: str | Path, step: int) -> Path:
    return Path(output_dir) / f"{CHECKPOINT_PREFIX}{step}"


def checkpoint_step(path: str | Path) -> int | None:
    """The step in a checkpoint directory's name, or None where the name is another."""
    match = _CHECKPOINT_NAME.fullmatch(Path(path).name)
    return int(match.group(1)) if match else None


def list_checkpoints(output_dir: str | Path) -> list[tuple[int, Path]]:
    """Every ``(step, directory)`` under ``output_dir``, lowest step first.

    Both places are looked at; where both hold the same step, the one in ``output_dir`` comes last,
    so that ``[-1]`` prefers it.
    """
    found: list[tuple[int, int, Path]] = []
    for preference, parent in enumerate((Path(output_dir) / "checkpoints", Path(output_dir))):
        if not parent.is_dir():
            continue
        for entry in parent.iterdir():
            step = checkpoint_step(entry)
            if step is not None and entry.is_dir():
                found.append((step, preference, entry))
    return [(step, path) for step, _, path in sorted(found, key=lambda item: item[:2])]


def new_run_directory(output_dir: str | Path, log_name: str = "log") -> Path:
    """A name for a run that starts now; nothing is created."""
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S")
    parent = Path(output_dir) / RUNS_DIRECTORY
    path, count = parent / f"{log_name}_{stamp}", 1
    while path.exists():
        count += 1
        path = parent / f"{log_name}_{stamp}_{count}"
    return path


def list_runs(output_dir: str | Path) -> list[Path]:
    """Run directories of ``output_dir`` that hold a log, by name."""
    parent = Path(output_dir) / RUNS_DIRECTORY
    if not parent.is_dir():
        return []
    return sorted(entry for entry in parent.iterdir() if (entry / LOG_FILE).is_file())
