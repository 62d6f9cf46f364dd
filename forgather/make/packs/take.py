"""Taking: a checkout in which nothing was built starts with what of a pack holds in it."""

from __future__ import annotations

import json
import os
import time
from array import array
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.make.build import Build, config_folder
from forgather.make.compile import FILES
from forgather.make.database import is_empty
from forgather.make.faults import FAULTS
from forgather.make.packs.content import KINDS, PATHS, Names, below, key, look
from forgather.make.probes import SETTLED_SECONDS, signature
from forgather.make.stamps import Members
from forgather.make.storage.entry import Entry

NEW = ["never built here"]
# What a pack that was written by somebody else may lead to.
NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


def take(build: Build, names: Collection[str]) -> list[str]:
    """Bring what a pack has and holds here of the kinds among ``names``; which tasks that were.

    The stamps know their places already. What is wrong with a pack, or with the disk, is no matter here:
    who looks at the configs one by one will come upon it.
    """
    asked = [KINDS.index(name) for name in names if name in KINDS]
    if not asked:
        return []
    kinds = KINDS[: max(asked) + 1]
    entry = build.store.offered(key(build.stamps, Names(build.root)))
    if entry is None:
        return []
    try:
        return _Taking(build, entry, kinds).take()
    except (BuildError, *FAULTS, *NONSENSE):
        return []


class _Taking:
    def __init__(self, build: Build, entry: Entry, kinds: Collection[str]) -> None:
        self.build = build
        self.outputs = entry.outputs
        self.names = Names(build.root)
        pack = entry.values
        self.stamps = [(name, data, _members(part)) for name, data, part in pack["stamps"]]
        self.bundles = {number: _members(part) for number, part in pack["bundles"]}
        self.records = {
            task: record
            for task, record in pack["records"].items()
            if task.partition(":")[0] in kinds and self._is_sound(task, **record["fields"])
        }
        self.paths: dict[int, str] = {}  # of probes of what the pack itself brings
        self.probes: dict[int, tuple[str, str, str]] = {}  # those that hold, with the sign of here
        for number, kind, name, content in pack["probes"]:
            self._judge(number, kind, name, content)

    def _is_sound(self, task: str, place: str, files: dict[str, str], **_fields: Any) -> bool:
        """Are its files those of such a task, where such a task has them? They may come from anywhere."""
        kind, _, config = task.partition(":")
        return (
            kind in KINDS
            and place == f"{self.build.directory.name}/{config_folder(config)}"
            and set(files) <= set(FILES.values())
            and all(self.outputs[f"{place}/{name}"].digest == sha for name, sha in files.items())
        )

    def _judge(self, number: int, kind: str, name: str, content: str) -> None:
        """Note a probe that holds; of what is yet to be put into its place, that it will."""
        path = self.names.lengthen(name) if kind in PATHS else name
        if kind == "record":
            sign = content if name in self.records else None
        elif kind == "place":
            sign = content if self.build.stamps.places.get(path, "") == content else None
        elif kind == "file" and below(name) in self.outputs:
            self.paths[number] = sign = below(name)
        else:
            seen = look(kind, path, self.names)
            sign = seen[0] if seen is not None and seen[1] == content else None
        if sign is not None:
            self.probes[number] = (kind, path, sign)

    def take(self) -> list[str]:
        with self.build.store.staging("pack") as folder:
            signs = self._publish(self._stage(folder))
        for number, path in self.paths.items():
            kind, name, _sign = self.probes.pop(number)
            if path in signs:
                self.probes[number] = (kind, name, signs[path])
        tasks = self._holding()
        missing = self.records.keys() - set(tasks)
        for number, (kind, name, _sign) in list(self.probes.items()):
            if kind == "record" and name in missing:
                del self.probes[number]
        return tasks if self._write(tasks) else []

    def _holding(self) -> list[str]:
        members = Members(self.probes, self.bundles)
        return [name for name, _, part in self.stamps if name in self.records and members.all(part)]

    def _stage(self, folder: Path) -> dict[str, tuple[str, dict[str, str]]]:
        """For each place: the folder that is to be put there, and the signs of the files in it.

        A folder is moved as a whole: that leaves the stats of the files in it as they are.
        """
        staged: dict[str, tuple[str, dict[str, str]]] = {}
        for task in self._holding():
            fields = self.records[task]["fields"]
            place = fields["place"]
            if place not in staged:
                staged[place] = f"{folder}{os.sep}{len(staged)}", {}
                os.mkdir(staged[place][0])
            aside, signs = staged[place]
            for name, sha in fields["files"].items():
                data = self.build.store.offered_blob(sha)
                if data is not None:
                    signs[f"{place}/{name}"] = _written(f"{aside}{os.sep}{name}", data)
        return staged

    def _publish(self, staged: Mapping[str, tuple[str, dict[str, str]]]) -> dict[str, str]:
        """Put folders into their places; the signs of the files in those that could be put."""
        time.sleep(SETTLED_SECONDS)  # what was just written can still change within one tick
        published: dict[str, str] = {}
        for place in sorted(staged):  # a folder that lies in another one after that
            aside, signs = staged[place]
            with suppress(OSError):  # something stands there
                _move(aside, f"{self.build.root}{os.sep}{place}")
                published |= signs
        return published

    def _write(self, tasks: list[str]) -> bool:
        """Write records and stamps; False where another build has begun to meanwhile."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        own = {"time": now, "before": {}, "reasons": NEW}
        records = {
            task: (self.records[task]["version"], json.dumps(self.records[task]["fields"] | own), 0)
            for task in tasks
        }
        members = Members(self.probes, self.bundles)
        stamps = [row for row in self.stamps if members.all(row[2])]
        bundles = {n: part for n, part in self.bundles.items() if members.all(part)}
        with self.build.stamps.database.writing() as connection:
            if not is_empty(connection):
                return False
            self.build.state.write(connection, records)
            self.build.stamps.adopt(connection, self.probes, bundles, stamps)
        return True


def _members(numbers: list[int]) -> bytes:
    return array("I", numbers).tobytes()


def _written(path: str, data: bytes) -> str:
    """Write a file; its sign."""
    with open(path, "xb", buffering=0) as stream:
        while data:  # a full disk may take some of it
            data = data[stream.write(data) :]
        return signature(os.fstat(stream.fileno()))


def _move(folder: str, target: str) -> None:
    try:
        os.rename(folder, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.rename(folder, target)
