"""What a build root still refers to in its store: everything else there is garbage.

Kept are the entries and blobs

* of every record, forgotten or not: what it was made from, its files, its compiled config, and that of
  the run before, by which "why" tells what changed;
* of compiled configs that would be found now, were they asked for;
* of jobs whose result was not collected;
* of every training that an output directory holds: one whose ledger has its key, now or set aside, and
  one whose weights still stand there, whatever the ledger says (:mod:`forgather.make.upkeep.trainings`);
* that wait to be uploaded to a remote cache.

Knows nothing of how long ago something was used, and removes nothing.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Container, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from forgather.launch.bundle import BUNDLE_FILE
from forgather.make.cluster.jobs import JOBS
from forgather.make.compile import Compiler
from forgather.make.digest import FileDigests
from forgather.make.origin.provenance import FILE as PROVENANCE
from forgather.make.state import Record, State
from forgather.make.storage.entry import Entry
from forgather.make.storage.store import Store
from forgather.make.upkeep.contents import CONFIG, blobs, kind_of
from forgather.make.upkeep.leftovers import waiting_notes
from forgather.make.upkeep.trainings import KIND as TRAINING
from forgather.make.upkeep.trainings import Trainings

DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass
class Named:
    """Keys of entries, digests of blobs, and (graph, spans) of compiled configs."""

    keys: set[str] = field(default_factory=set)
    blobs: set[str] = field(default_factory=set)
    configs: set[tuple[str, str]] = field(default_factory=set)

    def add_record(self, record: Record) -> None:
        self.keys.update(key for key in (record.key, record.entry) if key)
        self.blobs.update(record.files.values())
        for config in (record.config, record.before.get("config") or {}):
            self.blobs.update(config.values())
            if {"graph", "spans"} <= config.keys():
                self.configs.add((config["graph"], config["spans"]))


class References:
    """Asked once for each entry, by :meth:`keep`; then :meth:`keeps_manifest` for the manifests.

    without: tasks whose records do not count.
    """

    def __init__(
        self, root: Path, store: Store, digests: FileDigests, without: Container[str] = ()
    ) -> None:
        self.root = root
        self.without = without
        self.state = State(root / "build")
        self._compiler = Compiler(root / "build", store, digests)
        self._version = self._data_version()
        self.named = Named()
        self._name_records()
        self.named.keys.update(waiting_notes(store.root, time.time()))
        for text in _bundles(root / "build" / JOBS):
            found = DIGEST.findall(text)
            self.named.keys.update(found)
            self.named.blobs.update(found)
        found = {file.inode: sha for sha, file in blobs(store.root).items()}
        self.trainings = Trainings(root, self._training_places(), found, digests)
        self.manifests: set[str] = set()  # by which something that is kept is found

    def keep(self, entry: Entry) -> bool:
        """Whether an entry that is no manifest is referred to."""
        kind = kind_of(entry)
        if kind == CONFIG:
            manifest = self._compiler.current_manifest(entry)
            if manifest is not None:
                self.manifests.add(manifest)
            return manifest is not None or self._is_named(entry)
        return self._is_named(entry) or (kind == TRAINING and self.trainings.hold(entry))

    def _is_named(self, entry: Entry) -> bool:
        return entry.key in self.named.keys or config_of(entry) in self.named.configs

    def keeps_manifest(self, key: str) -> bool:
        return key in self.named.keys or key in self.manifests or key in self.trainings.keys

    def mentions(self) -> Iterator[bytes]:
        """Everything that is written down about what was built, but for the entries themselves."""
        with self.state.database.reading() as connection:
            rows = connection.execute("select data from record").fetchall()
        yield from (data.encode() for (data,) in rows)
        for folder in itertools.chain.from_iterable(self.trainings.folders.values()):
            with suppress(OSError):
                yield (folder / PROVENANCE).read_bytes()

    # what is recorded while a collection runs

    def read_again(self) -> None:
        """Take in what builds have recorded meanwhile, if they have."""
        version = self._data_version()
        if version != self._version:
            self._version = version
            self._name_records()

    def _name_records(self) -> None:
        for record in self._records():
            self.named.add_record(record)

    def _records(self) -> Iterator[Record]:
        tasks = (task for task in self.state.tasks() if task not in self.without)
        found = map(self.state.last, tasks)
        return (record for record in found if record is not None)

    def _data_version(self) -> int:
        """Another number whenever another process has written to the database."""
        with self.state.database.reading() as connection:
            return connection.execute("pragma data_version").fetchone()[0]

    def _training_places(self) -> list[Path]:
        tasks = (task for task in self.state.tasks() if task.startswith(f"{TRAINING}:"))
        found = (self.state.last(task) for task in tasks)
        return [self.root / record.place for record in found if record is not None]

    def close(self) -> None:
        self.state.close()


def config_of(entry: Entry) -> tuple[str, str] | None:
    """What records know a compiled config by; None for other entries."""
    outputs = entry.outputs
    if not {"graph.json", "spans.json"} <= outputs.keys():
        return None
    return outputs["graph.json"].digest, outputs["spans.json"].digest


def _bundles(jobs: Path) -> Iterator[str]:
    """The bundles that are not collected. Read as text: half of one still names what it names."""
    for path in jobs.glob(f"*/{BUNDLE_FILE}"):
        with suppress(OSError, UnicodeDecodeError):
            yield path.read_text()
