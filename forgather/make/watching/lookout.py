"""What a watch keeps an eye on: files and folders by their stats. Reads none of them, and knows no tasks.

Where a build went well, its stamps say which files count. Where it did not, nobody knows: then every
source file counts in the folders that it may have come from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import forgather
from forgather.make.probes import Probe, holds, signature
from forgather.workspace.find import is_skipped

NOT_FILES = ("env", "record", "place", "unsettled")  # kinds of probes that are not to be seen here
PACKAGE = os.path.join(forgather.__path__[0], "")
BACKUPS = ("~", ".bak", ".swp", ".tmp", ".pyc")  # what editors and Python leave beside a file


@dataclass(frozen=True)
class Places:
    """Folders whose source files count, all of them, and files that do."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __or__(self, other: Places) -> Places:
        return Places(
            tuple(dict.fromkeys((*self.folders, *other.folders))),
            tuple(dict.fromkeys((*self.files, *other.files))),
        )


NOWHERE = Places()


@dataclass(frozen=True)
class Lookout:
    """probes: of stamps that held; own: those of them that are Forgather's own code, which hardly ever
    changes; places, seen: what else counts, and what it was like."""

    probes: tuple[Probe, ...] = ()
    own: tuple[Probe, ...] = ()
    places: Places = NOWHERE
    seen: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        probes: Iterable[Probe],
        places: Places = NOWHERE,
        seen: Mapping[str, str] = MappingProxyType({}),
    ) -> Lookout:
        parts: tuple[list[Probe], list[Probe]] = ([], [])
        for probe in probes:
            if probe.kind not in NOT_FILES:
                parts[probe.name.startswith(PACKAGE)].append(probe)
        return cls(tuple(parts[0]), tuple(parts[1]), places, seen)

    def is_quiet(self, *, everything: bool = True) -> bool:
        """Nothing has changed; ``everything``: no code of Forgather's either."""
        probes = self.probes + self.own if everything else self.probes
        return all(holds(*probe) for probe in probes) and snapshot(self.places) == self.seen

    def glimpse(self) -> list[Any]:
        """What equals another glimpse as long as nothing is being written."""
        return [snapshot(self.places), *(_stat(probe.name) for probe in self.probes)]


def snapshot(places: Places) -> dict[str, str]:
    """The source files at and below ``places``, with their stat signatures; "" for one that is not there."""
    found = {path: _stat(path) for path in places.files}
    for folder in places.folders:
        for path in _sources(folder):
            if sign := _stat(path):  # it may have gone since it was listed
                found[path] = sign
    return found


def has_changed(before: Mapping[str, str], seen: Mapping[str, str], since: int) -> bool:
    """Has a file changed, come or gone between two snapshots?

    The later one may be of more places: of what is only there, all that is known is when it changed
    last. That counts from ``since`` (nanoseconds) on.
    """
    new = [sign for path, sign in seen.items() if path not in before and sign]
    return not before.items() <= seen.items() or any(_changed_at(sign) > since for sign in new)


def _changed_at(sign: str) -> int:
    """In nanoseconds, from a signature."""
    return int(sign.split(":")[1])


def _sources(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_skipped(here, name)]
        yield from (os.path.join(here, name) for name in files if not _is_left_over(name))


def _is_left_over(name: str) -> bool:
    return name.startswith((".", "#")) or name.endswith(BACKUPS)


def _stat(path: str) -> str:
    try:
        return signature(os.stat(path))
    except OSError:
        return ""
