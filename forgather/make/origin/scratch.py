"""A checkout of the sources that something was made of, as they were, in a folder of its own.

First comes what stands in the working tree (what git would commit, or every file where there is no git):
it has what nobody recorded, because nothing depends on it. Over that come the sources that are recorded
with their digests, each from wherever its bytes are to be had: the working tree if the digest agrees, the
texts that the store keeps, the git revision of then. A place that was empty then is empty again.

This module knows nothing about how anything is made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.launch.reads import listed_names, listing_digest
from forgather.make.digest import FileDigests, digest_bytes
from forgather.make.reasons.lineage import Lineage
from forgather.make.roots import expand
from forgather.make.storage.sources import HEAD

NO_SOURCES = ("build", "output_models", "node_modules", "__pycache__")  # folders of such names
LARGE = 1 << 20  # bytes; larger files are linked to, not copied
Document = Mapping[str, Any]  # see forgather.make.origin.provenance


@dataclass
class Wanted:
    """What must lie where, by absolute place in the working tree.

    files: place -> digest, and the git revisions that may have it. absent: places that were empty.
    needed: places without which it cannot be done.
    """

    files: dict[str, str] = field(default_factory=dict)
    revisions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)

    def add(self, reads: Mapping[str, str], absent: Iterable[str], git: Mapping[str, Any]) -> None:
        """What another document says. Of two that contradict each other, the first holds."""
        revision = (git["revision"],) if git else ()
        for place, sha in reads.items():
            if place not in self.absent:
                self.files.setdefault(place, sha)
                self.revisions.setdefault(place, (*revision, HEAD))
        self.absent.update(place for place in absent if place not in self.files)


class Scratch:
    """The folder ``target`` in the place of the build root ``lineage.root``."""

    def __init__(self, lineage: Lineage, target: Path, digests: FileDigests) -> None:
        self.lineage = lineage
        self.target = target
        self.digests = digests
        self.library = lineage.roots({})[
            "forgather"
        ]  # beside an installed Forgather, it stays there

    def lay_out(self, wanted: Wanted) -> tuple[list[str], list[str]]:
        """Fill the folder. What cannot be had any more, with where it was looked for; and what of
        Forgather's own, outside of the build root, is not what it was."""
        self._copy_tree()
        for place in wanted.absent:
            if (here := self._here(place)) is not None:
                _remove(here)
        lost: list[str] = []
        other: list[str] = []
        for place, sha in wanted.files.items():
            here = self._here(place)
            if here is None:
                if place in wanted.needed and self._digest(place) != sha:
                    self._outside(place, lost, other)
            elif (
                not self._put(place, sha, here, wanted.revisions[place]) and place in wanted.needed
            ):
                lost.append(self._lost(place, sha, wanted.revisions[place]))
        for place in wanted.absent & wanted.needed:
            if self._here(place) is None and os.path.exists(place):
                self._outside(place, lost, other)
        return lost, other

    def tidy_listings(self, data: Iterable[list[str]], files: Iterable[str]) -> None:
        """Remove what a glob would find now and did not then."""
        known = {str(here) for place in files if (here := self._here(place)) is not None}
        for read in data:
            folder = self._here(read[1]) if read[0] == "listing" else None
            if folder is None or not folder.is_dir():
                continue
            if listing_digest(str(folder), read[2]) != read[3]:
                for name in listed_names(str(folder), read[2]):
                    if str(folder / name) not in known:
                        (folder / name).unlink()

    def _here(self, place: str) -> Path | None:
        """Where a place of the working tree is in the scratch folder; None for one outside."""
        path = Path(place)
        if not path.is_relative_to(self.lineage.root):
            return None
        return self.target / path.relative_to(self.lineage.root)

    def _digest(self, place: str) -> str | None:
        try:
            return self.digests(place)
        except OSError:
            return None

    def _put(self, place: str, sha: str, here: Path, revisions: Iterable[str]) -> bool:
        if self._digest(str(here)) == sha:
            return True
        here.parent.mkdir(parents=True, exist_ok=True)
        if self._digest(place) == sha:
            here.unlink(missing_ok=True)
            _copy(Path(place), here)
            return True
        data = self.lineage.sources.read(sha, place, revisions)
        if data is None:
            return False
        assert digest_bytes(data) == sha
        here.unlink(missing_ok=True)
        here.write_bytes(data)
        return True

    # what is not as it was

    def _outside(self, place: str, lost: list[str], other: list[str]) -> None:
        if place.startswith(self.library + os.sep):
            other.append(os.path.relpath(place, self.library))
        else:
            lost.append(f"{place}: it lies outside of {self.lineage.root} and is not what it was")

    def _lost(self, place: str, sha: str, revisions: Iterable[str]) -> str:
        looked = [self._shown(str(folder)) for folder in self.lineage.sources.folders]
        looked += ["the working tree", *(f"git {revision[:12]}" for revision in revisions)]
        return f"{self._shown(place)} (sha256 {sha[:12]}...): it is not in {', '.join(looked)}"

    def _shown(self, path: str) -> str:
        inside = Path(path).is_relative_to(self.lineage.root)
        return os.path.relpath(path, self.lineage.root) if inside else path

    # the working tree

    def _copy_tree(self) -> None:
        root = self.lineage.root
        for name in _tracked(root) or _every(root):
            source, here = root / name, self.target / name
            if source.is_dir() and not source.is_symlink():
                continue  # a repository within this one
            here.parent.mkdir(parents=True, exist_ok=True)
            if source.is_symlink() and not os.path.isabs(os.readlink(source)):
                here.symlink_to(os.readlink(source))
            elif source.is_file():
                _copy(source, here)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    if source.stat().st_size > LARGE:
        target.symlink_to(source.resolve())
    else:
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def _tracked(root: Path) -> list[str]:
    """What git has or would take of the tree, but for what has been deleted; none without git."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        shown = subprocess.run(command, capture_output=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return []
    names = os.fsdecode(shown.stdout).split("\0") if shown.returncode == 0 else []
    return [name for name in dict.fromkeys(names) if name and os.path.lexists(root / name)]


def _every(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if _may_have_sources(Path(folder, name))]
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in names)


def _may_have_sources(folder: Path) -> bool:
    hidden = folder.name.startswith(".") or folder.name in NO_SOURCES
    return not hidden and not (folder / "pyvenv.cfg").is_file()


def wanted_of(lineage: Lineage, remade: Iterable[Document], others: Iterable[Document]) -> Wanted:
    """All that the documents record, those that are named first before others.

    remade: of what is to be made again: with its data, and all of it must be had. others: of what is
    only planned with; where something of that is lost, the working tree has to do.
    """
    wanted = Wanted()
    for document in remade:
        _want(wanted, lineage, document, with_data=True)
    wanted.needed = set(wanted.files) | wanted.absent
    for document in others:
        _want(wanted, lineage, document, with_data=False)
    return wanted


def _want(wanted: Wanted, lineage: Lineage, document: Document, *, with_data: bool) -> None:
    git, roots = document.get("git") or {}, lineage.roots(document)
    for one in (document, *(document.get("uses") or {}).values()):
        places = lineage.roots(one)
        templates = {expand(place, places): sha for place, sha in one["templates"].items()}
        wanted.add(templates, [expand(place, places) for place in one["absent"]], git)
    wanted.add({expand(place, roots): sha for place, sha in document["code"].items()}, (), git)
    if with_data:
        reads = expand([read for read in document["data"] if read[0] == "file"], roots)
        build = str(lineage.directory) + os.sep  # what was built is made, or restored, again
        wanted.add({r[1]: r[2] for r in reads if not r[1].startswith(build)}, (), git)
