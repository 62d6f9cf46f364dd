"""What this checkout has built last: one small JSON file per task, written when a task is done.

A record names the action key and the digest and stat of each output. It is written after the
outputs and never in place, so that a killed build forgets no finished step and remembers no
unfinished one. A record marked ``forgotten`` makes the next build run its action, cached or not.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from forgather.make.digest import FileDigests, canonical_json, digest_manifest
from forgather.make.store import write_atomically


@dataclass(frozen=True)
class Record:
    """One finished task: its key, its outputs and what it read on the way."""

    key: str
    place: str  # directory of the outputs, relative to the build root
    files: dict[str, str]  # relative path -> sha256
    inputs: dict[str, Any] = field(default_factory=dict)  # what went into the key, for "why"
    reads: list[list[str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)  # blobs of the compiled config, for "why"

    @property
    def digest(self) -> str:
        return digest_manifest(self.files)


class State:
    """The records of a build root, by task name."""

    def __init__(self, build: Path) -> None:
        self.folder = build / "state"

    def path(self, task: str) -> Path:
        kind, _, name = task.partition(":")
        return self.folder / kind / f"{name.replace('/', '+')}.json"

    def _load(self, task: str) -> dict[str, Any]:
        try:
            return json.loads(self.path(task).read_text())
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return {}

    def get(self, task: str) -> Record | None:
        """The last finished run of ``task``, unless it was forgotten."""
        data = self._load(task)
        if "key" not in data or data.pop("forgotten", False):
            return None
        return Record(**data)

    def put(self, task: str, record: Record) -> None:
        write_atomically(self.path(task), canonical_json(asdict(record)))

    def forget(self, task: str) -> None:
        data = self._load(task)
        write_atomically(self.path(task), canonical_json(data | {"forgotten": True}))

    def forget_if_known(self, task: str) -> None:
        if self.path(task).exists():
            self.forget(task)

    def forget_all(self) -> None:
        for path in self.folder.glob("*/*.json"):
            self.forget(f"{path.parent.name}:{path.stem.replace('+', '/')}")

    def is_forgotten(self, task: str) -> bool:
        return bool(self._load(task).get("forgotten"))

    def last(self, task: str) -> Record | None:
        """The last finished run, forgotten or not: what "why" compares with."""
        data = self._load(task)
        data.pop("forgotten", None)
        return Record(**data) if "key" in data else None


def damaged_output(record: Record, root: Path, digests: FileDigests) -> str | None:
    """The first output that is missing or altered, with what is wrong; None if all are whole."""
    for name, sha in record.files.items():
        path = os.path.join(root, record.place, name)
        try:
            if digests(path) != sha:
                return f"{os.path.join(record.place, name)} was altered"
        except OSError:
            return f"{os.path.join(record.place, name)} is missing"
    return None
