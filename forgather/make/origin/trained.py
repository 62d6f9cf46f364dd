"""What a training's output directory tells of the files in it.

Its ledger says which training it holds, its provenance file what that was made of. The store knows the
files that a finished training left; of a checkpoint on the way only its own manifest tells.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from forgather.make.digest import tree_files
from forgather.make.origin.find import Origin, is_at, lost
from forgather.make.origin.provenance import FILE, read
from forgather.make.reasons.lineage import Lineage
from forgather.runs.layout import MANIFEST_FILE, RUNS_DIRECTORY
from forgather.runs.ledger import EARLIER_DIRECTORY, LEDGER_FILE, read_ledger

NOTES = (LEDGER_FILE, FILE, ".training.lock")  # of the build, about the training


def training_origin(lineage: Lineage, path: Path) -> Origin | None:
    """A checkpoint, a run, or another file in the output directory of a training; None elsewhere."""
    output = next((one for one in (path, *path.parents) if (one / LEDGER_FILE).is_file()), None)
    held = _folder_of_ledger(output, path) if output is not None else None
    if output is None or held is None or not os.path.lexists(path):
        return None
    document = _document(lineage, held, output)
    recorded = _recorded_files(lineage, document)
    names = [name for name in recorded if is_at(output / name, path)]
    found = [one.relative_to(output).as_posix() for one in _results(path, output)]
    others = tuple(name for name in found if name not in recorded)
    return Origin(
        document["task"],
        document,
        output,
        recorded,
        tuple(names),
        unrecorded=others,
        by_manifest=_by_manifest(output, others),
    )


def _document(lineage: Lineage, held: Path, output: Path) -> Mapping[str, Any]:
    """The provenance of the training that the ledger in ``held`` names."""
    key = str(read_ledger(held).get("key") or "")
    document = read(held)
    if document.get("key") != key:
        document = {"key": key, **lineage.origin(key)}
    if "task" not in document:
        raise lost(lineage, f"the training in {output}", key)
    return document


def _recorded_files(lineage: Lineage, document: Mapping[str, Any]) -> dict[str, str]:
    """What a finished training left, and the copies that make its directory loadable."""
    entry = lineage.store.get(document["key"])
    if entry is None or "checkpoint" not in entry.values:
        return {}
    copies: dict[str, str] = {}
    for task, need in document["needs"].items():
        package = lineage.store.get(need["entry"]) if task.startswith("model:") else None
        copies |= package.files if package is not None else {}
    final = str(entry.values["checkpoint"]) + "/"
    weights = {
        name.removeprefix(final): sha
        for name, sha in entry.files.items()
        if name.startswith(f"{final}model")
    }
    return copies | weights | entry.files


def _results(path: Path, output: Path) -> list[Path]:
    """Files at or below ``path`` that belong to the training in ``output``, but for notes about it."""
    every = [path] if path.is_file() else [path / name for name in tree_files(path)]
    own = [file for file in every if file.relative_to(output).parts[0] != EARLIER_DIRECTORY]
    return [file for file in own if file.name not in NOTES]


def _folder_of_ledger(output: Path, path: Path) -> Path | None:
    """Where the ledger is that speaks of ``path``: runs stay where they are, whatever is set aside."""
    parts = path.relative_to(output).parts
    if parts[:1] != (RUNS_DIRECTORY,) or len(parts) < 2:
        return output
    earlier = output / EARLIER_DIRECTORY
    folders = [output, *(sorted(earlier.iterdir()) if earlier.is_dir() else [])]
    for folder in folders:
        ledger = read_ledger(folder)
        started = str(ledger.get("started") or "-")
        if Path(str(ledger.get("run") or "")).name == parts[1] or parts[1].endswith(started):
            return folder
    return None


def _by_manifest(output: Path, names: Iterable[str]) -> dict[str, str]:
    """What the manifests of checkpoints say of these files."""
    found = {}
    for name in names:
        manifest = _manifest((output / name).parent / MANIFEST_FILE)
        hashed = (manifest.get("files") or {}).get(Path(name).name) or {}
        if "xxh3_128" in hashed:
            found[name] = str(hashed["xxh3_128"])
    return found


def _manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
