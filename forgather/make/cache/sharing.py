"""What is taken from a cache that others write to, and what is kept out of it.

An entry from there must be signed where a key is set, must be the one of its key, and brings nothing that
becomes code by being read: no pickle, no bytecode, no ``__pycache__``. Such outputs stay in the
checkout that made them. Blobs are checked against their digests by whoever brings or copies them.

(Weights are safetensors. The ``.pt`` files beside them are only ever read with ``weights_only=True``,
see :mod:`forgather.ml.checkpoint.state`. Python source is code as well, of course: whoever may write
entries decides what is built. That is what signatures are for.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from forgather.make.storage.disk_cache import READ_ONLY, DiskCache, disk_errors
from forgather.make.storage.entry import Entry, Output

CODE_SUFFIXES = (".pyc", ".pyo", ".pkl", ".pickle", ".joblib", ".dill")
CODE_FOLDER = "__pycache__"
CONNECTIONS = 4


class Remote(Protocol):
    """A shared cache behind a network; it never raises for trouble on the way."""

    def entry(self, key: str, *, quick: bool = False) -> bytes | None: ...

    def blob(
        self,
        sha: str,
        target: Path,
        size: int | None = None,
        *,
        quick: bool = False,
    ) -> bool: ...


def code_among(names: Iterable[str]) -> str | None:
    """The first of the names of outputs that no shared cache may hold."""
    for name in names:
        if name.lower().endswith(CODE_SUFFIXES) or CODE_FOLDER in name.split("/"):
            return name
    return None


def fetch(
    remote: Remote,
    key: str,
    layer: DiskCache,
    *,
    accept: Callable[[bytes], Entry | None],
    has_blob: Callable[[str], bool],
    quick: bool = False,
) -> Entry | None:
    """Bring an entry, and the blobs of it that are not here, into ``layer``; the entry last.

    accept: parses an entry, or refuses it: then none of its blobs is asked for.
    Raises BuildError (FG601) where the layer cannot be written.
    """
    data = remote.entry(key, quick=quick)
    entry = accept(data) if data is not None else None
    if data is None or entry is None:
        return None
    outputs = {output.digest: output for output in entry.outputs.values()}
    missing = [output for sha, output in outputs.items() if not has_blob(sha)]
    if missing and not _download(remote, layer, missing, quick):
        return None
    if outputs or layer.read_entry_bytes(key) is None:  # others' manifests do not replace ours
        layer.write_entry(key, data)
    return entry


def _download(remote: Remote, layer: DiskCache, missing: list[Output], quick: bool) -> bool:
    """All of the blobs or False; those that came are kept, for they are what their names say."""

    def bring(output: Output, folder: Path) -> bool:
        aside = folder / output.digest
        if not remote.blob(output.digest, aside, output.size, quick=quick):
            return False
        with disk_errors(layer.root):
            aside.chmod(READ_ONLY)
            aside.replace(layer.blob_path(output.digest))
        return True

    with disk_errors(layer.root), layer.staging("download") as folder:
        if len(missing) == 1:
            return bring(missing[0], folder)
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(CONNECTIONS, len(missing))) as pool:
            return all([*pool.map(lambda output: bring(output, folder), missing)])
