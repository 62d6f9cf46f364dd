"""Equal weights are kept once: the checkpoints of trainings share shards that are the same.

A training that froze a part of its model, or went on from another one, has shards that another checkpoint
has, too. After it has ended, each shard of its final weights becomes another name of the store's blob,
which the earlier trainings and the user's cache have as well; and what did not change from one of its
checkpoints to the next is kept once. Only files called ``*.safetensors`` are touched: nobody writes into
those, a trainer puts new ones in their place. They are read-only from then on.

Nothing is lost at any instant: a file is replaced by a rename, by one that was just compared with it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from forgather.make.lock import lease
from forgather.make.storage.disk_cache import READ_ONLY
from forgather.make.storage.store import Store
from forgather.runs.layout import list_checkpoints
from forgather.runs.ledger import LOCK_FILE

SUFFIX = ".safetensors"
PIECE = 1 << 20


def share_shards(store: Store, output: Path, files: Mapping[str, str]) -> None:
    """Keep the shards below ``output`` once; ``files`` are its final ones, among others."""
    with lease(output / LOCK_FILE):
        for name, sha in files.items():
            blob = store.local.blob_path(sha)
            if name.endswith(SUFFIX) and _is_whole(store, output / name, blob, sha):
                _link_over(blob, output / name, output)
        checkpoints = [path for _step, path in reversed(list_checkpoints(output))]
        for newer, older in itertools.pairwise(checkpoints):
            for path in sorted(older.glob(f"*{SUFFIX}")):
                if _is_same(newer / path.name, path):
                    _link_over(newer / path.name, path, output)


def _is_whole(store: Store, place: Path, blob: Path, sha: str) -> bool:
    """Whether both files have these bytes, and are two."""
    try:
        if os.path.samefile(place, blob):
            return False
        return store.digests(place) == sha and store.blob_digest(blob) == sha
    except OSError:
        return False


def _is_same(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes. Those that changed differ early, so it costs little."""
    try:
        if os.path.samefile(one, other) or one.stat().st_size != other.stat().st_size:
            return False
        with open(one, "rb") as left, open(other, "rb") as right:
            while (piece := left.read(PIECE)) == right.read(PIECE):
                if not piece:
                    return True
    except OSError:
        return False
    return False


def _link_over(source: Path, place: Path, scratch: Path) -> None:
    """Make ``place`` another name of ``source``; where that cannot be, it stays as it is."""
    aside = scratch / f".{place.name}.link"
    with suppress(OSError):  # another filesystem, or one without links
        aside.unlink(missing_ok=True)
        os.link(source, aside)
        os.chmod(aside, READ_ONLY)
        os.replace(aside, place)
