"""A tokenized dataset in memory: columns of integer lists, stored end to end.

Map-style: ``dataset[i] -> {"input_ids": numpy array, "document_starts": list, ...}``. A token takes
four bytes, and no Python object is kept per row, so a corpus of some hundred million tokens fits a
laptop. The disk form is :mod:`~forgather.ml.datasets.token_store`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from forgather.errors import DataError

Rows = Mapping[str, Sequence[Sequence[int]]]  # column -> one list of integers per row


class _Column:
    """Lists of integers, end to end, and where each ends."""

    def __init__(self) -> None:
        self.values = array("i")
        self.ends = array("q")

    def append(self, row: Iterable[int]) -> None:
        self.values.extend(row)
        self.ends.append(len(self.values))

    def __getitem__(self, index: int) -> np.ndarray:
        start = self.ends[index - 1] if index else 0
        return np.array(self.values[start : self.ends[index]], dtype=np.int64)


class TokenizedDataset:
    """Rows that a map function made; filled once by ``extend``, then only read."""

    def __init__(self) -> None:
        self._columns: dict[str, _Column] = {}
        self._length = 0

    def extend(self, batch: Rows) -> None:
        """Add the rows of ``batch``; all batches have the same columns, all columns as many rows."""
        if not self._columns:
            self._columns = {name: _Column() for name in batch}
        if batch.keys() != self._columns.keys():
            raise DataError(
                f"the map function returned the columns {sorted(batch)}, before: {self.column_names}",
                hint="it must return the same columns for every batch",
            )
        counts = {name: len(rows) for name, rows in batch.items()}
        if len(set(counts.values())) > 1:
            raise DataError(f"the map function returned columns of different lengths: {counts}")
        for name, rows in batch.items():
            try:
                for row in rows:
                    self._columns[name].append(row)
            except (TypeError, OverflowError) as error:
                raise DataError(
                    f"the map function returned a column {name!r} that is not lists of integers",
                    hint="its columns must hold token ids or positions, one list for each row",
                ) from error
        self._length += next(iter(counts.values()), 0)

    @property
    def column_names(self) -> list[str]:
        return sorted(self._columns)

    @property
    def num_tokens(self) -> int:
        column = self._columns.get("input_ids")
        return len(column.values) if column else 0

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        if not -self._length <= index < self._length:
            raise IndexError(f"row {index} of {self._length}")
        index %= self._length
        row: dict[str, Any] = {name: column[index] for name, column in self._columns.items()}
        if "document_starts" in row:
            row["document_starts"] = row["document_starts"].tolist()
        return row

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(self._length))

    def __repr__(self) -> str:
        return f"TokenizedDataset(rows={self._length}, tokens={self.num_tokens})"
