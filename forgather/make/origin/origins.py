"""Which artifact a path, or the digest of a file, belongs to; and what is recorded of it.

Looked for, in this order: a training's output directory at or above the path (one that was set aside,
too); what the records of the build root say that tasks left there; and the content: a copy that lies
somewhere else is known by its digest.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from forgather.errors import BuildError, UsageError
from forgather.make.build import Build
from forgather.make.database import database_path
from forgather.make.origin.find import Origin, is_at, layers, lost
from forgather.make.origin.provenance import TEXT_ONLY, is_whole, of_text
from forgather.make.origin.trained import training_origin
from forgather.make.reasons.lineage import Lineage
from forgather.make.state import Record
from forgather.make.storage.entry import Entry
from forgather.runs.ledger import LEDGER_FILE

DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{8,64})")
NOTHING = "FG660"
SEVERAL = "FG661"
TRIED = 20  # files of a folder whose content is looked for


def root_of(path: Path, start: Path) -> Path:
    """The build root around a path, else around ``start``. Raises BuildError where there is none."""
    for folder in (path, *path.parents, start, *start.parents):
        if database_path(folder / "build").is_file():
            return folder
    raise BuildError(
        f"nothing is known of {path}: nothing was ever built around it, or around {start}",
        hint=f"looked for {database_path(Path('build'))} in these folders and all above them",
        code=NOTHING,
    )


class Origins:
    """Finds what things belong to, with the records and the stores of one build root."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.lineage = Lineage(build)

    def find(self, text: str, path: Path) -> Origin:
        """What ``text`` belongs to, a digest or else ``path``. Raises BuildError if that is nothing."""
        match = DIGEST.fullmatch(text)
        store = self.build.store.root
        if not match and path.parent in (store / "cas", store / "ac"):
            match = DIGEST.fullmatch(path.name)
        if match and (path.is_relative_to(store) or not os.path.lexists(path)):
            return self._of_digest(match[1])
        found = (
            training_origin(self.lineage, path) or self._of_records(path) or self._of_content(path)
        )
        if found is None:
            raise self._nothing(path)
        return found

    # by place

    def _of_records(self, path: Path) -> Origin | None:
        """What the records say: a file that a task left, or a folder of such files."""
        found: dict[str, Origin] = {}
        for task, record in self._records():
            place = self.build.root / record.place
            if not path.is_relative_to(self.build.directory) and not path.is_relative_to(place):
                continue  # a project is no artifact, though it may hold one
            names = [name for name in record.files if is_at(place / name, path)]
            if names:
                found[task] = self._of_record(task, record, names)
        if len(found) > 1:
            raise _several(path, found)
        return next(iter(found.values()), None)

    def _records(self) -> Iterator[tuple[str, Record]]:
        for task in self.build.state.tasks():
            record = self.build.state.last(task)
            if record is not None:
                yield task, record

    def _of_record(self, task: str, record: Record, names: list[str]) -> Origin:
        kind, _, name = task.partition(":")
        if kind in TEXT_ONLY:
            rendered = self.build.state.last(f"pp:{name}")
            reads = rendered.inputs["reads"] if rendered is not None else {}
            document = of_text(task, record, reads)
        else:
            document = self.lineage.origin(record.entry or record.key)
        if "config" not in document:
            raise lost(self.lineage, task, record.entry or record.key)
        place = self.build.root / record.place
        return Origin(task, {"key": record.key, **document}, place, record.files, tuple(names))

    # by content

    def _of_content(self, path: Path) -> Origin | None:
        """A copy of something that was made: a file, or a folder that holds all that a task left."""
        if path.is_file():
            return self._with_digest(self.build.digests(path))
        for file in islice(_walk(path), TRIED):
            for entry in self._entries(self.build.digests(file)):
                if all(self._is_copy(path / name, sha) for name, sha in entry.files.items()):
                    return self._of_entry(entry, set(entry.files.values()))
        return None

    def _is_copy(self, path: Path, sha: str) -> bool:
        return path.is_file() and self.build.digests(path) == sha

    def _of_digest(self, sha: str) -> Origin:
        """What has this key, or left a file with this digest; the beginning of either is enough."""
        entry = next(self._by_key(sha), None)
        if entry is not None:
            return self._of_entry(entry, set(entry.files.values()))
        found = self._with_digest(sha)
        if found is None:
            raise self._nothing(None, sha)
        return found

    def _with_digest(self, start: str) -> Origin | None:
        """What left a file whose digest begins like this, the newest first."""
        found: list[Origin] = []
        for task, record in self._records():
            names = [name for name, sha in record.files.items() if sha.startswith(start)]
            with suppress(BuildError):  # another may know where it comes from
                found += [self._of_record(task, record, names)] if names else []
        for entry in self._entries(start):
            digests = {sha for sha in entry.files.values() if sha.startswith(start)}
            found.append(self._of_entry(entry, digests))
        digests = {one.files[name] for one in found for name in one.chosen}
        if len(digests) > 1:
            raise UsageError(
                f"{start} is the beginning of {len(digests)} digests", hint="write more of it"
            )
        if not found:
            return None
        also = dict.fromkeys(one.task for one in found if one.task != found[0].task)
        return replace(found[0], also=tuple(also))

    def _of_entry(self, entry: Entry, digests: set[str]) -> Origin:
        names = tuple(name for name, sha in entry.files.items() if sha in digests)
        document, task = entry.provenance, str(entry.provenance["task"])
        return Origin(task, {"key": entry.key, **document}, None, entry.files, names)

    def _by_key(self, start: str) -> Iterator[Entry]:
        for layer in layers(self.lineage):
            for path in sorted((layer.root / "ac").glob(f"{start}*")):
                entry = self.lineage.store.get(path.name)
                if entry is not None and is_whole(entry.provenance):
                    yield entry

    def _entries(self, sha: str) -> Iterator[Entry]:
        """Entries that have a file with a digest that begins like this, the newest first."""
        found: dict[str, Entry] = {}
        for layer in layers(self.lineage):
            for path in sorted((layer.root / "ac").iterdir()):
                if path.name not in found and sha.encode() in path.read_bytes():
                    entry = self.lineage.store.get(path.name)
                    files = entry.files.values() if entry is not None else ()
                    if entry is not None and any(one.startswith(sha) for one in files):
                        found[path.name] = entry
        made = [entry for entry in found.values() if is_whole(entry.provenance)]
        yield from sorted(made, key=lambda entry: entry.provenance["time"], reverse=True)

    # errors

    def _nothing(self, path: Path | None, sha: str | None = None) -> BuildError:
        stores = " and ".join(str(layer.root) for layer in layers(self.lineage))
        if path is None:
            hint = f"looked for a stored artifact with that key, or a file with that digest, in {stores}"
            return BuildError(f"nothing is known of {sha}", hint=hint, code=NOTHING)
        there = os.path.lexists(path)
        looked = [
            f"a result of a task, recorded in {database_path(self.build.directory)}",
            f"a training's directory at or above it ({LEDGER_FILE})",
        ]
        if there:
            looked.append(f"the same content in {stores}")
        return BuildError(
            f"{path} belongs to nothing that was built" + ("" if there else ", and does not exist"),
            hint="looked for " + "; ".join(looked),
            code=NOTHING,
        )


def _walk(path: Path) -> Iterator[Path]:
    """Files below a folder, in order; it may be any folder, so nobody asks for all of them."""
    for folder, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(folder, name) for name in sorted(names))


def _several(path: Path, found: Mapping[str, Origin]) -> BuildError:
    places = sorted(f"{one.place / one.chosen[0]}" for one in found.values() if one.place)
    return BuildError(
        f"{path} holds several artifacts: {', '.join(sorted(found))}",
        hint=f"name a file or a folder of one of them, such as {places[0]}",
        code=SEVERAL,
    )
