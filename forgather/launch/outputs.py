"""Which files an action leaves, and their digests. Needs nothing but the standard library.

``{"kind": "tree", "root": DIR}`` is every file below a folder; ``{"kind": "checkpoint", "root": DIR}``
the weights of the newest checkpoint in an output directory.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from forgather.runs.layout import list_checkpoints

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


def weight_files(checkpoint: Path) -> list[str]:
    """Names of the files that hold the weights: one, or an index and its shards."""
    index = checkpoint / WEIGHTS[1]
    if index.exists():
        shards = set(json.loads(index.read_text())["weight_map"].values())
        return [WEIGHTS[1], *sorted(shards)]
    return [WEIGHTS[0]]


def output_digests(outputs: Mapping[str, str]) -> dict[str, str]:
    """The sha256 of each output, by its path below the root."""
    if not outputs:
        return {}
    root = Path(outputs["root"])
    if outputs["kind"] == "checkpoint":
        return _checkpoint_digests(root)
    found = [Path(folder, name) for folder, _folders, names in os.walk(root) for name in names]
    return {path.relative_to(root).as_posix(): _digest(path) for path in sorted(found)}


def _checkpoint_digests(root: Path) -> dict[str, str]:
    checkpoints = list_checkpoints(root)
    if not checkpoints:
        return {}
    newest = checkpoints[-1][1]
    paths = [newest / name for name in weight_files(newest)]
    return {path.relative_to(root).as_posix(): _digest(path) for path in paths if path.exists()}


def _digest(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
