"""The trainings of a build root: which output directories there are, and what stands in them.

A training's directory remembers its key in a ledger, and those of earlier trainings lie below it with
theirs. Directories are found by their ledgers, wherever below the build root they are, and by what
records and entries say. Weights that are links to blobs are known by that; of others the digest is asked
for, which mostly is remembered.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from forgather.errors import BuildError
from forgather.make.storage.entry import Entry, Output
from forgather.make.storage.traces import traced_key
from forgather.runs.layout import list_checkpoints
from forgather.runs.ledger import EARLIER_DIRECTORY, LEDGER_FILE, read_ledger

WEIGHTS = ".safetensors"
KIND = "train"
SKIPPED = {"node_modules", "__pycache__", "venv", "env"}


class Trainings:
    """keys: of all ledgers; inodes: of all files that hold weights; shards: digests of those of them
    that are known, once entries were asked for.

    blobs: digest of each blob of the store, by its inode. digest: of a file.
    """

    def __init__(
        self,
        root: Path,
        places: Iterable[Path],
        blobs: Mapping[tuple[int, int], str],
        digest: Callable[[Path], str],
    ) -> None:
        self.root = root
        self._blobs = blobs
        self._digest = digest
        self.keys: set[str] = set()
        self.inodes: set[tuple[int, int]] = set()
        self.shards: set[str] = set()
        self.folders: dict[Path, list[Path]] = (
            {}
        )  # of an output directory: itself, the earlier ones
        for place in (*find_output_directories(root), *places):
            self._take(place)

    def _take(self, output: Path) -> list[Path]:
        output = Path(os.path.normpath(output))
        if output not in self.folders:
            try:
                seen = _read(output)
                while (now := _read(output)) != seen:  # a build moves trainings to and fro just now
                    seen = now
            except OSError as error:
                raise _unreadable(error) from error
            self.folders[output] = list(seen)
            for key, inodes in seen.values():
                self.keys.update(key)
                self.inodes.update(inodes)
        return self.folders[output]

    def hold(self, entry: Entry) -> bool:
        """Whether a ledger is of this training, or its weights stand in an output directory.

        Where only some of its shards do, another training may have the same: these stay, alone.
        """
        where = entry.values.get("output_dir")
        folders = self._take(self.root / where) if isinstance(where, str) else []
        if entry.key in self.keys or any(self._is_of(key, entry) for key in self.keys):
            return True
        shards = {name: one for name, one in entry.outputs.items() if name.endswith(WEIGHTS)}
        stand = [
            [self._stands(folder / name, one) for name, one in shards.items()] for folder in folders
        ]
        return any(each and all(each) for each in stand)

    def _stands(self, path: Path, shard: Output) -> bool:
        """Whether the file is this shard. Those of another training have the same size, mostly."""
        try:
            stat = path.stat()
            if stat.st_size != shard.size:
                return False
            known = self._blobs.get((stat.st_dev, stat.st_ino))
            if (known or self._digest(path)) != shard.digest:
                return False
        except OSError:
            return False
        self.shards.add(shard.digest)
        return True

    def _is_of(self, key: str, entry: Entry) -> bool:
        """Whether the entry is what the training of ``key`` gave when it had read some data."""
        return bool(entry.reads) and traced_key(key, entry.reads) == entry.key


def find_output_directories(root: Path) -> Iterator[Path]:
    """Every folder with a ledger below ``root``, but for earlier trainings below one.

    Raises BuildError (FG634) where a folder cannot be read.
    """
    for name, folders, found in os.walk(root, onerror=_refuse):
        if LEDGER_FILE in found:
            yield Path(name)
            folders.clear()
            continue
        top = Path(name) == root
        folders[:] = [
            folder
            for folder in folders
            if not folder.startswith(".")
            and folder not in SKIPPED
            and not (top and folder == "build")
            and not os.path.isfile(os.path.join(name, folder, "pyvenv.cfg"))
        ]


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # removed meanwhile
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> BuildError:
    return BuildError(
        f"{error.filename} cannot be read ({error.strerror}), so it is not known what is needed",
        hint="mend the permissions, or move the folder away; nothing was removed",
        code="FG634",
    )


def _read(output: Path) -> dict[Path, tuple[set[str], set[tuple[int, int]]]]:
    """The trainings in an output directory: folder -> its key, if it has one, and its weights."""
    folders = [output]
    with suppress(FileNotFoundError, NotADirectoryError):
        folders += sorted((output / EARLIER_DIRECTORY).iterdir())
    found = {}
    for folder in folders:
        with suppress(FileNotFoundError, NotADirectoryError):
            key = read_ledger(folder).get("key")
            weights = set(_weights(folder))
            found[folder] = ({key} if isinstance(key, str) else set(), weights)
    return found


def _weights(folder: Path) -> Iterator[tuple[int, int]]:
    for place in (folder, *(path for _step, path in list_checkpoints(folder))):
        with os.scandir(place) as found:
            for item in found:
                if item.name.endswith(WEIGHTS) and item.is_file():
                    stat = item.stat()
                    yield stat.st_dev, stat.st_ino
