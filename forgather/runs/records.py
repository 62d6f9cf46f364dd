"""Records of a run: JSON Lines that survive a ``kill -9`` and a resume.

One object a line, flushed as it is written, so the file is readable while the training lives and
after it died. The first line may be a header (``{"schema": 1, ...}``). A resumed training cuts the
file back to the number of records its checkpoint knows and appends.

The reader is tolerant: a JSON array (the older form, closed or not), a torn last line, and steps
that appear twice because a training was resumed without cutting (the later one wins).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SCHEMA = 1
_KIND_KEYS = ("train_runtime", "eval_loss", "loss", "prompt")


class RecordWriter:
    """Appends records to one file.

    ``keep``: None starts a new file (an existing one is refused); a number reopens the file and
    keeps that many records, which is what a resume wants. ``header``: the first line, if there is none.
    """

    def __init__(
        self, path: str | Path, *, header: Mapping[str, Any] | None = None, keep: int | None = None
    ) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.count = 0
        mode = "x" if keep is None else "a+"
        self._file = open(self.path, mode, encoding="utf-8")  # noqa: SIM115  lives as long as this
        if keep is not None:
            self._cut(keep)
        if header is not None and self._file.tell() == 0:
            self._write_line({"schema": SCHEMA, **header})

    def append(self, record: Mapping[str, Any]) -> None:
        self._write_line(record)
        self.count += 1

    def close(self) -> None:
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def __enter__(self) -> RecordWriter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _write_line(self, record: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
        self._file.flush()

    def _cut(self, keep: int) -> None:
        """Truncate behind the ``keep``-th record; a torn line goes too."""
        end = 0
        with open(self.path, "rb") as source:
            for line in source:
                record = _parse_line(line) if line.endswith(b"\n") else None
                if record is None or (not is_header(record) and self.count == keep):
                    break
                end += len(line)
                self.count += not is_header(record)
        self._file.truncate(end)
        self._file.seek(0, os.SEEK_END)


def is_header(record: Mapping[str, Any]) -> bool:
    return "schema" in record and "global_step" not in record


def read_records(path: str | Path) -> list[dict[str, Any]]:
    """All records in order, header left out, the later of two for the same step and kind."""
    records: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, record in enumerate(_parse(Path(path).read_bytes())):
        if is_header(record):
            continue
        key = _key(record, number)
        records.pop(key, None)
        records[key] = record
    return list(records.values())


def _key(record: Mapping[str, Any], number: int) -> tuple[Any, ...]:
    """What makes two records the same one: step, kind, and the prompt of a sample."""
    step = record.get("global_step", record.get("step"))
    kind = next((name for name in _KIND_KEYS if name in record), None)
    if step is None or kind is None:
        return ("line", number)
    return (step, kind, record.get("prompt"), record.get("index"))


def _parse(data: bytes) -> Iterator[dict[str, Any]]:
    if data.lstrip()[:1] == b"[":
        yield from _parse_array(data.decode("utf-8", "replace"))
        return
    for line in data.splitlines(keepends=True):
        if (record := _parse_line(line)) is not None:
            yield record


def _parse_line(line: bytes) -> dict[str, Any] | None:
    """The object of one line, or None where the line is torn or no object."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _parse_array(text: str) -> Iterator[dict[str, Any]]:
    """Objects of a JSON array, up to where it was torn."""
    decoder = json.JSONDecoder()
    position = text.index("[") + 1
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        try:
            record, position = decoder.raw_decode(text, position)
        except ValueError:
            return
        if isinstance(record, dict):
            yield record
