"""The SQLite file of a build root: records of finished tasks, stamps for null builds, doit's memory.

Write-ahead logging: what is committed survives a kill -9 of the process, and readers never wait.
The schema's version stands in the file's name, so that two versions of Forgather can share a
checkout. A file that is damaged is put aside: the store still has every artifact.

A file is opened, and put aside, under a lease of its own. SQLite waits for whoever writes, but not for
whoever turns a new file into one with a write-ahead log: of builds that begin together in a new
checkout, it would refuse some ("database is locked"). And of two that find the same damage, the second
would put aside what the first has just made.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from forgather.make.faults import FAULTS, as_error
from forgather.make.lock import FOLDER, leads_to, lease

VERSION = 1
TABLES = """
create table if not exists record (
    task text primary key, version text not null, data text not null, forgotten integer not null);
create table if not exists probe (
    id integer primary key, kind text not null, name text not null, sign text not null,
    unique (name, kind, sign));
create table if not exists bundle (
    id integer primary key, digest text not null unique, members blob not null);
create table if not exists stamp (
    name text primary key, data text not null, members blob not null);
create table if not exists answer (
    question text primary key, tasks text not null, files text not null, signs blob not null,
    others text not null);
create trigger if not exists record_new after insert on record begin delete from answer; end;
create trigger if not exists record_changed after update on record begin delete from answer; end;
create trigger if not exists record_gone after delete on record begin delete from answer; end;
create trigger if not exists stamp_gone after delete on stamp begin delete from answer; end;
create table if not exists doit (task text primary key, data text not null);
create table if not exists fact (name text primary key, value text not null);
"""


def database_path(build: Path) -> Path:
    return build / f"state-{VERSION}.sqlite"


class Database:
    """One connection, shared by the threads of a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection = open_database(path, self._connect)

    def _connect(self, path: Path) -> sqlite3.Connection:
        connection = _connect(path)
        self._file = os.stat(path)
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._faults():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of what is written, or nothing."""
        with self._lock, self._faults():
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:  # a full disk may have ended it
                    self._connection.execute("rollback")
                raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Errors of SQLite name the file; a damaged one is put aside for the next build."""
        try:
            yield
        except sqlite3.Error as error:
            if _is_damage(error):
                with _lease(self.path):
                    if leads_to(self.path, self._file):
                        _put_aside(self.path, error)
            raise as_error(error, self.path) from error

    def close(self) -> None:
        self._connection.close()


def open_database(path: Path, connect: Callable[[Path], sqlite3.Connection]) -> sqlite3.Connection:
    """What ``connect`` gives, for a new file where there is a damaged one. Raises BuildError (FG601)."""
    try:
        with _lease(path):
            try:
                return connect(path)
            except sqlite3.Error as error:
                if not _is_damage(error):
                    raise
                _put_aside(path, error)
                return connect(path)
    except FAULTS as fault:
        raise as_error(fault, path) from fault


def is_empty(connection: sqlite3.Connection) -> bool:
    """Is nothing known of any task yet?"""
    query = "select 1 from record union all select 1 from stamp limit 1"
    return connection.execute(query).fetchone() is None


def _lease(path: Path) -> AbstractContextManager[object]:
    return lease(path.parent / FOLDER / path.stem)


def _is_damage(error: sqlite3.Error) -> bool:
    """Is it the file, and not the disk it is on?"""
    marks = ("malformed", "not a database", "no such table", "no such column", "has no column")
    return any(mark in str(error) for mark in marks)


def _put_aside(path: Path, error: sqlite3.Error) -> None:
    aside = f"{path}.damaged"
    for beside in (f"{path}-wal", f"{path}-shm"):
        Path(beside).unlink(missing_ok=True)
    os.replace(path, aside)
    sys.stderr.write(f"forgather: {path} was damaged ({error}); it now is {aside}\n")


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode=wal")
    # Without the power failing, nothing that was committed is lost; with it, at most a few records.
    connection.execute("pragma synchronous=normal")
    connection.executescript(TABLES)
    return connection
