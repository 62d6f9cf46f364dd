"""Taking: a checkout in which nothing was built starts with what of a pack holds in it."""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from forgather.errors import BuildError
from forgather.make.build import Build, config_folder
from forgather.make.compile import FILES
from forgather.make.database import is_empty
from forgather.make.digest import canonical_json
from forgather.make.faults import FAULTS
from forgather.make.packs.content import KINDS, PATHS, Names, below, key, look
from forgather.make.probes import SETTLED_SECONDS
from forgather.make.stamps import BUNDLE, Members
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
    entry = next(build.store.each(key(build.stamps, Names(build.root)), far=False), None)
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
            and os.path.join(self.build.root, place)
            == str(config_folder(self.build.directory, config))
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
        placed = {path for task in self._holding() for path in self._place(task)}
        time.sleep(SETTLED_SECONDS)  # what was just written can still change within one tick
        for number, path in self.paths.items():
            kind, name, _sign = self.probes.pop(number)
            seen = look(kind, name, self.names) if path in placed else None
            if seen is not None and seen[1] == self.outputs[path].digest:
                self.probes[number] = (kind, name, seen[0])
        tasks = self._holding()
        missing = self.records.keys() - set(tasks)
        for number, (kind, name, _sign) in list(self.probes.items()):
            if kind == "record" and name in missing:
                del self.probes[number]
        return tasks if self._write(tasks) else []

    def _holding(self) -> list[str]:
        members = Members(dict.fromkeys(self.probes, True), self.bundles)
        return [name for name, _, part in self.stamps if name in self.records and members.all(part)]

    def _place(self, task: str) -> list[str]:
        """Put the files of a task into their places; which were put."""
        fields = self.records[task]["fields"]
        paths = [f"{fields['place']}/{name}" for name in fields["files"]]
        try:
            for path in paths:
                self.build.store.place(self.outputs[path], f"{self.build.root}/{path}")
        except BuildError:  # a damaged blob, which has been told
            return []
        return paths

    def _write(self, tasks: list[str]) -> bool:
        """Write records and stamps; False where another build has begun to meanwhile."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        own = {"time": now, "before": {}, "reasons": NEW}
        records = {task: (self.records[task]["version"], self._row(task, own), 0) for task in tasks}
        members = Members(dict.fromkeys(self.probes, True), self.bundles)
        stamps = [row for row in self.stamps if members.all(row[2])]
        bundles = {n: part for n, part in self.bundles.items() if members.one(n + BUNDLE)}
        with self.build.stamps.database.writing() as connection:
            if not is_empty(connection):
                return False
            self.build.state.write(connection, records)
            self.build.stamps.adopt(connection, self.probes, bundles, stamps)
        return True

    def _row(self, task: str, own: dict[str, Any]) -> str:
        return canonical_json(self.records[task]["fields"] | own)


def _members(numbers: list[int]) -> bytes:
    return array("I", numbers).tobytes()
