"""A tokenized dataset on disk: written once, then mapped into memory.

::

    <directory>/
    ├── tokens.bin       all tokens, end to end; uint16, or uint32 for a large vocabulary
    ├── blocks.bin       int64: where each block ends in tokens.bin
    ├── starts.bin       int32: the document starts of all blocks, end to end   } only where blocks
    ├── starts_ends.bin  int64: where each block's starts end in starts.bin     } have them
    └── manifest.json    counts, types, sha256 of each file; written last

All numbers are little-endian. Opening checks that every file has the size the manifest says;
``verify()`` reads them and checks the digests. The directory appears by a rename, whole or not at
all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from forgather.errors import DataError
from forgather.ml.datasets.inputs import record_input
from forgather.ml.datasets.publish import file_digest, new_directory

SCHEMA = 1
MANIFEST = "manifest.json"
_LARGEST = {"<u2": 2**16 - 1, "<u4": 2**32 - 1}
_INDEX = {"blocks.bin": "<i8", "starts.bin": "<i4", "starts_ends.bin": "<i8"}


def write_token_dataset(dataset: Iterable[Any], directory: str | Path) -> Path:
    """Write every ``{"input_ids": ..., "document_starts": ...}`` of ``dataset``, in order.

    Rows are written as they come, so ``dataset`` may be larger than memory. ``directory`` must not
    exist, or be empty.
    """
    final = Path(directory)
    with new_directory(final) as aside:
        writer = _Writer(aside)
        try:
            for number, row in enumerate(_rows(dataset)):
                writer.add(number, row)
        finally:
            writer.close()
        manifest = writer.manifest()
        (aside / MANIFEST).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
    return final


def _rows(dataset: Any) -> Iterable[Any]:
    if hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__"):
        return (dataset[index] for index in range(len(dataset)))
    return dataset


class _Writer:
    """Appends rows to the files of one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._dtype = "<u2"
        self._files: dict[str, BinaryIO] = {
            name: open(directory / name, "wb")  # noqa: SIM115  closed by close()
            for name in ("tokens.bin", *_INDEX)
        }
        self._blocks = self._tokens = self._starts = 0
        self._longest = 0
        self._has_starts: bool | None = None

    def add(self, number: int, row: Any) -> None:
        tokens = np.asarray(row["input_ids"])
        if tokens.ndim != 1 or (tokens.size and tokens.dtype.kind not in "iu"):
            raise DataError(f"row {number}: input_ids must be a flat list of integers")
        if tokens.size and not 0 <= tokens.min() <= tokens.max() <= _LARGEST["<u4"]:
            raise DataError(f"row {number}: a token id is negative or larger than 32 bits")
        if tokens.size and tokens.max() > _LARGEST[self._dtype]:
            self._widen()
        self._files["tokens.bin"].write(tokens.astype(self._dtype).tobytes())
        self._blocks += 1
        self._tokens += len(tokens)
        self._longest = max(self._longest, len(tokens))
        self._write("blocks.bin", [self._tokens])
        self._add_starts(number, row)

    def _add_starts(self, number: int, row: Any) -> None:
        starts = row.get("document_starts")
        if self._has_starts is None:
            self._has_starts = starts is not None
        if self._has_starts != (starts is not None):
            raise DataError(f"row {number}: document_starts must be in all rows or in none")
        if starts is not None:
            self._starts += len(starts)
            self._write("starts.bin", starts)
            self._write("starts_ends.bin", [self._starts])

    def _write(self, name: str, values: Sequence[int]) -> None:
        self._files[name].write(np.asarray(values, dtype=_INDEX[name]).tobytes())

    def _widen(self) -> None:
        """A token needs more than 16 bits: write the tokens so far again, with 32."""
        self._files["tokens.bin"].close()
        path = self._directory / "tokens.bin"
        narrow = path.rename(self._directory / "tokens.narrow")
        self._files["tokens.bin"] = open(path, "wb")  # noqa: SIM115  closed by close()
        with open(narrow, "rb") as source:
            while chunk := source.read(1 << 20):
                wide = np.frombuffer(chunk, dtype=self._dtype).astype("<u4")
                self._files["tokens.bin"].write(wide.tobytes())
        narrow.unlink()
        self._dtype = "<u4"

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def manifest(self) -> dict[str, Any]:
        if not self._has_starts:
            for name in ("starts.bin", "starts_ends.bin"):
                (self._directory / name).unlink()
        names = sorted(path.name for path in self._directory.iterdir())
        return {
            "schema": SCHEMA,
            "dtype": self._dtype,
            "blocks": self._blocks,
            "tokens": self._tokens,
            "longest_block": self._longest,
            "document_starts": self._starts if self._has_starts else None,
            "files": {
                name: {
                    "bytes": (self._directory / name).stat().st_size,
                    "sha256": file_digest(self._directory / name),
                }
                for name in names
            },
        }


class TokenDataset:
    """What :func:`write_token_dataset` wrote, map-style; may be pickled for a data loader's worker."""

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        record_input(self.directory / MANIFEST)
        self.manifest = _read_manifest(self.directory)
        self._map()

    def _map(self) -> None:
        def mapped(name: str, dtype: str) -> np.ndarray:
            path = self.directory / name
            if path.stat().st_size == 0:  # an empty file cannot be mapped
                return np.zeros(0, dtype)
            return np.memmap(path, dtype=dtype, mode="r")

        self._tokens = mapped("tokens.bin", self.manifest["dtype"])
        self._ends = mapped("blocks.bin", "<i8")
        self._starts: np.ndarray | None = None
        if self.manifest["document_starts"] is not None:
            self._starts = mapped("starts.bin", "<i4")
            self._starts_ends = mapped("starts_ends.bin", "<i8")

    @property
    def num_tokens(self) -> int:
        return self.manifest["tokens"]

    def __len__(self) -> int:
        return self.manifest["blocks"]

    def __getitem__(self, index: int) -> dict[str, Any]:
        length = len(self)
        if not -length <= index < length:
            raise IndexError(f"block {index} of {length}")
        index = int(index) % length
        tokens = np.array(self._tokens[_span(self._ends, index)], dtype=np.int64)
        row: dict[str, Any] = {"input_ids": tokens}
        if self._starts is not None:
            row["document_starts"] = self._starts[_span(self._starts_ends, index)].tolist()
        return row

    def verify(self) -> None:
        """Read every file and compare its digest with the manifest."""
        for name, expected in self.manifest["files"].items():
            if file_digest(self.directory / name) != expected["sha256"]:
                raise _damaged(self.directory / name, "its content is not what was written")

    def __repr__(self) -> str:
        return (
            f"TokenDataset({str(self.directory)!r}, blocks={len(self)}, tokens={self.num_tokens})"
        )

    def __getstate__(self) -> dict[str, Any]:
        return {"directory": self.directory, "manifest": self.manifest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._map()


def _span(ends: np.ndarray, index: int) -> slice:
    return slice(int(ends[index - 1]) if index else 0, int(ends[index]))


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    if not path.is_file():
        raise DataError(
            f"no token dataset in {directory}",
            hint=f"it has no {MANIFEST}; build the dataset, or name another directory",
        )
    try:
        manifest = json.loads(path.read_text())
        schema, files = manifest["schema"], manifest["files"]
    except (ValueError, TypeError, KeyError) as error:
        raise _damaged(path, "it cannot be read") from error
    if schema != SCHEMA:
        raise DataError(
            f"{path} has schema {schema}; this version reads {SCHEMA}",
            hint="build the dataset again",
        )
    for name, expected in files.items():
        file = directory / name
        if not file.is_file() or file.stat().st_size != expected["bytes"]:
            raise _damaged(file, "it is missing or has another size than was written")
    return manifest


def _damaged(path: Path, what: str) -> DataError:
    return DataError(
        f"{path} is damaged: {what}",
        hint="remove the dataset's directory and build it again",
    )
