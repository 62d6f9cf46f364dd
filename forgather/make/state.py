"""What this checkout has built last: one record per task, written when the task is done.

A record names the action key and the digest of each output. It is written after the outputs, in one
transaction, so that a killed build forgets no finished step and remembers no unfinished one. A record
marked ``forgotten`` makes the next build run its action, cached or not.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forgather.make.database import Database, database_path
from forgather.make.digest import FileDigests, canonical_json, digest_json, digest_manifest
from forgather.make.probes import note_absent, note_record

MISSING = ""  # the version of a record that is not there


@dataclass(frozen=True)
class Record:
    """One finished task: its key, its outputs and what it read on the way."""

    key: str
    place: str  # directory of the outputs, relative to the build root
    files: dict[str, str]  # relative path -> sha256
    inputs: dict[str, Any] = field(default_factory=dict)  # what went into the key, for "why"
    reads: list[list[str]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    config: dict[str, str] = field(default_factory=dict)  # blobs of the compiled config, for "why"
    provenance: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)  # why it was made
    entry: str = ""  # the store's entry of it, if that has another key than the action (see traces)
    time: str = field(default="", compare=False)  # when it was recorded here
    before: dict[str, Any] = field(default_factory=dict)  # what it replaced, for "why"

    @property
    def digest(self) -> str:
        return digest_manifest(self.files)

    @property
    def version(self) -> str:
        """Changes when what others may use of the record does."""
        return digest_json("record", [self.key, self.place, self.files, self.values])[:32]


class State:
    """The records of a build root, by task name."""

    def __init__(self, build: Path, database: Database | None = None) -> None:
        self.database = database or Database(database_path(build))
        self._is_batch = False
        self._waiting: dict[str, tuple[str, str, int]] = {}  # version, data, forgotten

    def _load(self, task: str) -> tuple[Record | None, bool]:
        """The record and whether it was forgotten."""
        row = self._waiting.get(task)
        if row is None:
            with self.database.reading() as connection:
                row = connection.execute(
                    "select version, data, forgotten from record where task = ?", (task,)
                ).fetchone()
        if row is None:
            note_record(task, MISSING)
            return None, False
        note_record(task, MISSING if row[2] else row[0])
        data = json.loads(row[1])
        return (Record(**data) if data else None), bool(row[2])

    def get(self, task: str) -> Record | None:
        """The last finished run of ``task``, unless it was forgotten."""
        record, forgotten = self._load(task)
        return None if forgotten else record

    def last(self, task: str) -> Record | None:
        """The last finished run, forgotten or not: what "why" compares with."""
        return self._load(task)[0]

    def is_forgotten(self, task: str) -> bool:
        return self._load(task)[1]

    def tasks(self) -> list[str]:
        """Every task that has a record, sorted."""
        with self.database.reading() as connection:
            return [row[0] for row in connection.execute("select task from record order by task")]

    def put(self, task: str, record: Record) -> None:
        self.put_all({task: record})

    def put_all(self, records: Mapping[str, Record]) -> None:
        """Remember finished tasks, all of them or none."""
        rows = {
            task: (record.version, canonical_json(vars(self._following(task, record))), 0)
            for task, record in records.items()
        }
        if self._is_batch:
            self._waiting |= rows
        else:
            self._write(rows)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Records put meanwhile are written together, at the end: for what a kill may take back, because
        it can be had again from the store."""
        self._is_batch = True
        try:
            yield
        finally:
            self._is_batch = False
            rows, self._waiting = self._waiting, {}
            if rows:
                self._write(rows)

    def _write(self, rows: Mapping[str, tuple[str, str, int]]) -> None:
        with self.database.writing() as connection:
            self.write(connection, rows)
            connection.executemany("delete from stamp where name = ?", [(task,) for task in rows])

    @staticmethod
    def write(connection: sqlite3.Connection, rows: Mapping[str, tuple[str, str, int]]) -> None:
        """Write rows of the table: version, data, whether it is forgotten."""
        connection.executemany(
            "insert or replace into record values (?, ?, ?, ?)",
            [(task, *row) for task, row in rows.items()],
        )

    def _following(self, task: str, record: Record) -> Record:
        """``record`` with a note of what it replaces; made "again" of the same, the note stays."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        record, old = replace(record, time=now), self.last(task)
        if old is None or record.before:
            return record
        reads = {} if old.reads == record.reads else {"reads": old.reads}
        if old.key == record.key and old.config == record.config:
            if not record.reasons:
                return replace(record, before=old.before, reasons=old.reasons)
            return replace(record, before=old.before | {"again": True} | reads)
        before = {"key": old.key, "inputs": old.inputs, "config": old.config}
        return replace(record, before=before | {"entry": old.entry or old.key} | reads)

    def forget(self, task: str) -> None:
        with self.database.writing() as connection:
            connection.execute("insert or ignore into record values (?, '', 'null', 1)", (task,))
            connection.execute("update record set forgotten = 1 where task = ?", (task,))
            connection.execute("delete from stamp where name = ?", (task,))

    def forget_if_known(self, task: str) -> None:
        if self.last(task) is not None:
            self.forget(task)

    def remove(self, tasks: Iterable[str]) -> None:
        """Take the records away, as if the tasks had never been built here."""
        rows = [(task,) for task in tasks]
        with self.database.writing() as connection:
            for table, column in (("record", "task"), ("stamp", "name"), ("doit", "task")):
                connection.executemany(f"delete from {table} where {column} = ?", rows)

    def forget_all(self) -> None:
        with self.database.writing() as connection:
            connection.execute("update record set forgotten = 1")
            connection.execute("delete from stamp")

    def close(self) -> None:
        self.database.close()


def damaged_output(record: Record, root: Path, digests: FileDigests) -> str | None:
    """The first output that is missing or altered, with what is wrong; None if all are whole."""
    for name, sha in record.files.items():
        path = os.path.join(root, record.place, name)
        try:
            if digests(path) != sha:
                return f"{os.path.join(record.place, name)} was altered"
        except OSError:
            note_absent(path)
            return f"{os.path.join(record.place, name)} is missing"
    return None
