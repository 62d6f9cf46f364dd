"""What is known of something that was made: its task, its provenance, its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.make.digest import FileDigests
from forgather.make.reasons.lineage import Lineage

LOST = "FG662"


@dataclass(frozen=True)
class Origin:
    """What is known of something that was made.

    place: the folder that the names in ``files`` are seen from; None for something known by its digest
    only. files: every file that the task left, with its digest. chosen: those that were asked for.
    also: other tasks that left the same bytes. unrecorded: files that were asked for, and of which no
    digest is recorded; by_manifest: of those, the hash in the manifest of their checkpoint.
    """

    task: str
    document: Mapping[str, Any]  # see forgather.make.origin.provenance
    place: Path | None
    files: Mapping[str, str]
    chosen: tuple[str, ...]
    also: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()
    by_manifest: Mapping[str, str] = field(default_factory=dict)

    def now(self, digests: FileDigests) -> dict[str, str | None]:
        """The digests of the chosen files as they lie there now; None for one that is gone."""
        if self.place is None:
            return {}
        found: dict[str, str | None] = {}
        for name in (*self.chosen, *self.unrecorded):
            try:
                found[name] = digests(self.place / name)
            except OSError:
                found[name] = None
        return found

    def altered(self, digests: FileDigests) -> list[str]:
        """Those that were asked for and are not what was made, or are gone."""
        now = self.now(digests)
        found = [name for name in self.chosen if name in now and now[name] != self.files[name]]
        if self.place is not None:
            hashed = self.by_manifest.items()
            found += [name for name, sha in hashed if _xxh3(self.place / name) != sha]
        return found


def _xxh3(path: Path) -> str:
    """The hash that manifests of checkpoints have."""
    import xxhash

    state = xxhash.xxh3_128()
    with open(path, "rb") as stream:
        while chunk := stream.read(1 << 22):
            state.update(chunk)
    return state.hexdigest()


def is_at(file: Path, path: Path) -> bool:
    """Is it the file itself, or below the folder?"""
    return file == path or path in file.parents


def layers(lineage: Lineage) -> list[Any]:
    """The stores that are near enough to be asked."""
    store = lineage.store
    return [layer for layer in (store.local, store.shared) if layer is not None]


def lost(lineage: Lineage, what: str, key: str) -> BuildError:
    stores = " and ".join(str(layer.root) for layer in layers(lineage))
    return BuildError(
        f"where {what} comes from is not known any more",
        hint=f"its entry ({key[:12]}...) is not in {stores}; build it again to have it recorded",
        code=LOST,
    )
