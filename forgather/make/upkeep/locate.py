"""Where an artifact lies: from the name of a task, or the beginning of a key or digest.

Answered from records and names of files: no config is rendered. The index of configs is not asked
either, so a config that was removed is still found by what was built of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, UsageError, did_you_mean
from forgather.make.state import Record, State
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.sweeps import variants

UNKNOWN = "FG630"
PREFIX = re.compile(r"[0-9a-f]{4,64}")
SHOWN = 5  # of what an ambiguous beginning may stand for


@dataclass(frozen=True)
class Located:
    """key: of the action, or the digest that was asked for; files: by name, with their blobs, where
    the store has them."""

    path: Path
    key: str
    task: str | None = None
    entry: Path | None = None
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "task": self.task,
            "key": self.key,
            "path": str(self.path),
            "entry": None if self.entry is None else str(self.entry),
            "files": self.files,
        }


def locate(name: str, root: Path, state: State, layers: list[DiskCache]) -> Located:
    """Raises UsageError (FG630) with the nearest name; BuildError where the artifact has gone."""
    if ":" not in name and PREFIX.fullmatch(name):
        return _by_digest(name, layers)
    task = variants.respell(name)
    record = state.last(task)
    if record is None:
        raise _unknown(task, state)
    return _by_record(task, record, root, layers)


def _unknown(task: str, state: State) -> UsageError:
    known = state.tasks()
    if not known:
        return UsageError("nothing has been built here", hint="build it first", code=UNKNOWN)
    return UsageError(
        f"no {task!r} has been built here", hint=did_you_mean(task, known), code=UNKNOWN
    )


def _by_record(task: str, record: Record, root: Path, layers: list[DiskCache]) -> Located:
    path = Path(os.path.normpath(root / record.place))
    missing = [name for name in record.files if not (path / name).is_file()]
    if missing:
        raise BuildError(
            f"{task} was built, but {path / missing[0]} is not there any more",
            hint=f"build it again: doit {task}",
            code=UNKNOWN,
        )
    files = {
        name: {
            "path": str(path / name),
            "sha256": sha,
            "blob": _text(_first(layer.blob_path(sha) for layer in layers)),
        }
        for name, sha in record.files.items()
    }
    entry = _first(layer.entry_path(record.entry or record.key) for layer in layers)
    return Located(path, record.key, task, entry, files)


def _by_digest(prefix: str, layers: list[DiskCache]) -> Located:
    found: dict[str, Path] = {}
    for layer in layers:
        for folder in ("cas", "ac"):
            for path in (layer.root / folder).glob(f"{prefix}*"):
                found.setdefault(path.name, path)
    if not found:
        raise UsageError(
            f"neither an entry nor a blob begins with {prefix!r}",
            hint="forgather store path TASK --format json shows the digests of an artifact",
            code=UNKNOWN,
        )
    if len(found) > 1:
        shown = ", ".join(sorted(found)[:SHOWN])
        raise UsageError(
            f"{len(found)} entries and blobs begin with {prefix!r}: {shown}",
            hint="give more digits",
            code=UNKNOWN,
        )
    ((name, path),) = found.items()
    return Located(path, name)


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
