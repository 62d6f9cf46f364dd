"""Which training an output directory holds: ``training.json``, and the same below ``earlier/<key>/``.

Written by the build (``make/rules/train.py``), read here by whoever shows or compares runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LEDGER_FILE = "training.json"
EARLIER_DIRECTORY = "earlier"
LOCK_FILE = ".training.lock"  # held by whoever changes what stands in the directory


def read_ledger(folder: Path) -> dict[str, Any]:
    """The ledger in ``folder``; empty where there is none that can be read."""
    try:
        found = json.loads((folder / LEDGER_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def variables_of_run(run_directory: str | Path) -> dict[str, Any]:
    """The values that the config of a run was given; empty where that is not known."""
    run = Path(run_directory).absolute()
    for ledger in _ledgers(run.parents[1]):
        name = Path(str(ledger.get("run") or "")).name
        started = str(ledger.get("started") or "")
        # Until a training has ended its ledger knows the time only, with which the name ends.
        if name == run.name or (not name and started and run.name.endswith(started)):
            variables = ledger.get("variables")
            return variables if isinstance(variables, dict) else {}
    return {}


def _ledgers(output: Path) -> Iterator[dict[str, Any]]:
    yield read_ledger(output)
    earlier = output / EARLIER_DIRECTORY
    if earlier.is_dir():
        yield from (read_ledger(folder) for folder in sorted(earlier.iterdir()))
