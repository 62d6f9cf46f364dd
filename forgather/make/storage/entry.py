"""What an action produced, as the small JSON file ``ac/<key>``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.make.digest import FileDigests, canonical_json, tree_files

EXECUTABLE = 0o111
MODES = (0o644, 0o755)
SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST_NAME = 255  # bytes of one part of a path


@dataclass(frozen=True)
class Output:
    """One file: its sha256, its size in bytes and its permission bits (0o644 or 0o755)."""

    digest: str
    size: int
    mode: int = 0o644

    @property
    def is_executable(self) -> bool:
        return bool(self.mode & EXECUTABLE)


@dataclass(frozen=True)
class Entry:
    """Outputs by relative posix path, what was read on the way, and where it all came from."""

    key: str
    outputs: dict[str, Output]
    reads: list[list[str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """The digest of every output."""
        return {name: output.digest for name, output in self.outputs.items()}

    def dumps(self) -> bytes:
        outputs = {name: vars(output) for name, output in self.outputs.items()}
        return canonical_json(vars(self) | {"outputs": outputs}).encode()

    @classmethod
    def loads(cls, data: bytes, key: str) -> Entry:
        """The entry in ``data``. Raises ValueError where it is not the entry of ``key``.

        It may come from anywhere: what is used as a path or a size afterwards is looked at here.
        """
        try:
            fields = json.loads(data)
        except RecursionError as error:
            raise ValueError(f"the entry of {key} is nested too deeply") from error
        if not isinstance(fields, dict) or fields.get("key") != key:
            raise ValueError(f"not the entry of {key}")
        try:
            outputs = {name: Output(**output) for name, output in fields["outputs"].items()}
            names = ("reads", "values", "provenance")
            entry = cls(key, outputs, **{name: fields[name] for name in names})
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"the entry of {key} is not whole") from error
        if not all(map(_is_output, outputs.values())) or not _are_files(outputs):
            raise ValueError(f"the entry of {key} has outputs that cannot be")
        if not (_is_list_of_lists(entry.reads) and isinstance(entry.values, dict)):
            raise ValueError(f"the entry of {key} is not whole")
        if not isinstance(entry.provenance, dict):
            raise ValueError(f"the entry of {key} is not whole")
        return entry


def _is_output(output: Output) -> bool:
    """Its digest names a blob: anything else could be a path to somewhere."""
    return (
        isinstance(output.digest, str)
        and SHA256.fullmatch(output.digest) is not None
        and type(output.size) is int
        and output.size >= 0
        and output.mode in MODES
    )


def _are_files(outputs: Mapping[str, Output]) -> bool:
    """Whether the names can be files below one folder, side by side."""
    if not all(map(_is_part, {part for name in outputs for part in name.split("/")})):
        return False
    folders: set[str] = set()
    for name in outputs:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders.isdisjoint(outputs)


def _is_part(part: str) -> bool:
    try:
        size = len(os.fsencode(part))
    except UnicodeEncodeError:
        return False
    return 0 < size <= LONGEST_NAME and "\0" not in part and part not in (".", "..")


def _is_list_of_lists(reads: Any) -> bool:
    return isinstance(reads, list) and all(isinstance(read, list) for read in reads)


def scan(
    directory: Path, digests: FileDigests, names: Iterable[str] | None = None
) -> dict[str, Output]:
    """The outputs below ``directory`` (only ``names`` if given), by relative posix path."""
    chosen = (path.as_posix() for path in tree_files(directory)) if names is None else names
    found = {}
    for name in chosen:
        stat = (directory / name).stat()
        mode = 0o755 if stat.st_mode & EXECUTABLE else 0o644
        found[name] = Output(digests(directory / name), stat.st_size, mode)
    return found
