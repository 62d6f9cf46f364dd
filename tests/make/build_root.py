"""A build root without configs: entries, records and output directories put there by hand."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from forgather.make.digest import FileDigests
from forgather.make.state import Record, State
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.entry import Entry, scan
from forgather.make.storage.store import Store
from forgather.make.upkeep.collection import Collected, collect, references_of
from forgather.make.upkeep.garbage import Limits
from forgather.runs.ledger import EARLIER_DIRECTORY, LEDGER_FILE


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def key(name: str) -> str:
    """A key that can be told from others."""
    return sha(f"key of {name}")


class BuildRoot:
    """What is done here is done as by a build that has ended: nothing stays pinned."""

    def __init__(self, root: Path, cache: Path | None = None) -> None:
        self.root = root
        self.cache = cache
        (root / "forgather_workspace").mkdir(parents=True)
        self.store = root / "build" / "store"

    def open(self) -> Store:
        shared = None if self.cache is None else DiskCache(self.cache)
        digests = FileDigests(self.store / "files.sqlite")
        return Store(DiskCache(self.store), digests, shared=shared)

    def put(
        self,
        name: str,
        files: Mapping[str, str],
        *,
        kind: str = "model",
        values: Mapping[str, Any] | None = None,
        age: float = 0.0,
        mentions: str = "",
        build: Store | None = None,
    ) -> Entry:
        """An entry under ``key(name)``; age: of its last use, in seconds. build: one that goes on."""
        store = build or self.open()
        with TemporaryDirectory(dir=self.root) as folder:
            for path, text in files.items():
                place = Path(folder, path)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text)
            outputs = scan(Path(folder), store.digests)
            origin = {"kind": kind, "task": f"{kind}:{name}", "inputs": mentions}
            entry = Entry(key(name), outputs, values=dict(values or {}), provenance=origin)
            store.put(entry, Path(folder))
        if build is None:
            close(store)
        self.grow_old(name, age)
        return entry

    def grow_old(self, name: str, age: float) -> None:
        for folder in (self.store, self.cache):
            path = None if folder is None else folder / "ac" / key(name)
            if path is not None and path.exists():
                then = path.stat().st_mtime - age
                os.utime(path, (then, then))

    def record(self, task: str, entry: Entry, place: str | None = None, **fields: Any) -> Record:
        """The record of a task, and its files where they were published."""
        place = place or f"build/{task.replace(':', '/')}"
        for name, digest in entry.files.items():
            path = self.root / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((self.store / "cas" / digest).read_bytes())
        record = Record(entry.key, place, entry.files, **fields)
        with closing(State(self.root / "build")) as state:
            state.put(task, record)
        return record

    def train(self, name: str, weights: str, output: str = "output_models/m") -> Entry:
        """A training that has ended, with its ledger; one that stands there is set aside."""
        folder = self.root / output
        ledger = folder / LEDGER_FILE
        if ledger.exists():
            earlier = folder / EARLIER_DIRECTORY / json.loads(ledger.read_text())["key"][:16]
            earlier.mkdir(parents=True)
            for path in list(folder.iterdir()):
                if path.name != EARLIER_DIRECTORY:
                    path.rename(earlier / path.name)
        files = {"checkpoint-5/model.safetensors": weights, "runs/log/trainer_logs.json": name}
        values = {"output_dir": output, "checkpoint": "checkpoint-5", "run": "runs/log"}
        entry = self.put(name, files, kind="train", values=values)
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        ledger.write_text(json.dumps({"key": entry.key, "status": "done"}))
        return entry

    def collect(self, *, dry_run: bool = False, **limits: Any) -> Collected:
        with references_of(self.root) as references:
            found = Limits(**limits)
            return collect(DiskCache(self.store), found, references=references, dry_run=dry_run)

    def collect_cache(self, **limits: Any) -> Collected:
        assert self.cache is not None
        return collect(DiskCache(self.cache), Limits(**limits))

    def entries(self, store: Path | None = None) -> set[str]:
        return {path.name for path in ((store or self.store) / "ac").iterdir()}

    def blobs(self, store: Path | None = None) -> set[str]:
        return {path.name for path in ((store or self.store) / "cas").iterdir()}


def close(store: Store) -> None:
    """As the end of the process does it."""
    store.close()
    store.digests.close()


def problems(store: Path) -> list[str]:
    """Entries that lack a blob, and blobs that are not what their names say."""
    found = []
    whole = set()
    for path in (store / "cas").iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() == path.name:
            whole.add(path.name)
        else:
            found.append(f"{path.name} is damaged")
    for path in (store / "ac").iterdir():
        entry = Entry.loads(path.read_bytes(), path.name)
        found += [f"{path.name} lacks {one}" for one in entry.files.values() if one not in whole]
    return found
