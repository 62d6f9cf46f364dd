"""Stamps: what is known to be current as long as the stats of some files stay what they are.

A stamp keeps the probes of a verdict (see :mod:`forgather.make.probes`) under the name of a task, of
a config's plan or of a request, together with a little data. Asking whether a stamp still holds
renders nothing, parses nothing and imports neither Jinja2 nor PyYAML nor doit: it reads rows and
stats files, each once however many stamps mention it.

A probe is never changed once it is written: another stat of the same file is another probe. So a
stamp cannot be refreshed by what happened to another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from forgather.make.database import Database, database_path
from forgather.make.probes import Group, Probe, holds

CHUNK = 500  # SQLite's limit on variables is higher; rows are asked for in such portions
WHOLE = 1500  # rows asked for from which on the whole table is read
BUNDLE = 1 << 31  # members from here on are bundles, below are probes
PURGE_SLACK = 20_000  # how many probes may be added before the unused ones are looked for


class Stamps:
    """The stamps of one build root. reader: whose code they are for, and which Python runs it."""

    def __init__(self, database: Database, reader: str, root: Path) -> None:
        self.database = database
        self.reader = reader
        self.context = f"{reader}\0{root}"  # what everything depends on
        self.places: dict[str, str] = {}  # folder of each project -> its name
        self.seen: dict[int, tuple[str, str, str]] = {}  # probes that were looked at so far
        self._waiting: dict[str, tuple[Any, Group]] = {}

    # asking

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """The database; None where nothing in it is ours."""
        with self.database.reading() as connection:
            yield connection if self._is_ours(connection) else None

    def holding(self, names: Iterable[str]) -> dict[str, Any]:
        """The data of those of ``names`` whose stamps hold."""
        with self.reading() as connection:
            if connection is None:
                return {}
            rows = _rows(connection, "select name, data, members from stamp where name in", names)
            check = Check(connection, [row[2] for row in rows], self.places)
            self.seen |= {row[0]: row[1:] for row in check.rows}
            if not check.holds_all:
                rows = [row for row in rows if check.members.all(row[2])]
            return {name: _loaded(data) for name, data, _members in rows}

    def data(self, names: Iterable[str]) -> dict[str, Any]:
        """The data of the stamps of ``names``, whether they hold or not."""
        with self.database.reading() as connection:
            rows = _rows(connection, "select name, data from stamp where name in", names)
        return {name: json.loads(data) for name, data in rows}

    def probes(self, names: Iterable[str]) -> set[Probe]:
        """What the stamps of ``names`` rest on, whether they hold or not."""
        with self.database.reading() as connection:
            rows = _rows(connection, "select name, members from stamp where name in", names)
            check = Check(connection, [row[1] for row in rows], self.places)
        return {Probe(*row[1:]) for row in check.rows}

    def records_hold(self, connection: sqlite3.Connection) -> bool:
        """Are the records that were looked at so far still what they were?"""
        wanted = {name: sign for kind, name, sign in self.seen.values() if kind == "record"}
        versions = _record_versions(connection, list(wanted))
        return all(versions.get(name, "") == sign for name, sign in wanted.items())

    # keeping

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def remember(self, name: str, data: Any, group: Group) -> None:
        """Have ``data`` kept for as long as what ``group`` saw holds; see :meth:`save`."""
        self._waiting[name] = (data, group)

    def save(self) -> None:
        """Write what is to be remembered. What is not settled is not kept."""
        stamps, self._waiting = self._waiting, {}
        known: dict[Group, bool] = {}
        settled = {name: pair for name, pair in stamps.items() if pair[1].is_settled(known)}
        if not settled:
            return
        with self.database.writing() as connection:
            if not self._is_ours(connection):
                for table in ("stamp", "bundle", "probe"):
                    connection.execute(f"delete from {table}")
                connection.execute(
                    "insert or replace into fact values ('context', ?)", (self.context,)
                )
            writer = _Writer(connection)
            rows = [
                (name, json.dumps(data), writer.members(group).tobytes())
                for name, (data, group) in settled.items()
            ]
            connection.executemany("insert or replace into stamp values (?, ?, ?)", rows)
            _purge(connection)

    def adopt(
        self,
        connection: sqlite3.Connection,
        probes: Mapping[int, tuple[str, str, str]],
        bundles: Mapping[int, bytes],
        stamps: Iterable[tuple[str, str, bytes]],
    ) -> None:
        """Write stamps as they are numbered elsewhere, where there are none yet."""
        connection.execute("insert or replace into fact values ('context', ?)", (self.context,))
        connection.executemany(
            "insert into probe (id, kind, name, sign) values (?, ?, ?, ?)",
            ((number, *probe) for number, probe in probes.items()),
        )
        connection.executemany(
            "insert into bundle (id, digest, members) values (?, ?, ?)",
            ((number, _bundle_digest(part), part) for number, part in bundles.items()),
        )
        connection.executemany("insert into stamp values (?, ?, ?)", stamps)

    def _is_ours(self, connection: sqlite3.Connection) -> bool:
        """Another version of Forgather, or of Python, may have written what is there."""
        row = connection.execute("select value from fact where name = 'context'").fetchone()
        return row is not None and row[0] == self.context


class Members:
    """Which members hold, given which probes do, and what bundles consist of."""

    def __init__(self, probes: Iterable[int], bundles: Mapping[int, bytes]) -> None:
        self._holding = set(probes)
        for number in sorted(bundles):  # a bundle is written after those that it consists of
            if self.all(bundles[number]):
                self._holding.add(number + BUNDLE)

    def all(self, members: bytes) -> bool:
        return self._holding.issuperset(array("I", members))


class Check:
    """Whether members hold, each looked at once."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        asked: Iterable[bytes],
        places: Mapping[str, str],
    ) -> None:
        self.known: dict[int, bool] = {}  # of probes
        wanted = set(array("I", b"".join(asked)))
        bundles = {member - BUNDLE for member in wanted if member >= BUNDLE}
        self.bundles: dict[int, bytes] = {}
        while bundles:
            found = dict(_rows(connection, "select id, members from bundle where id in", bundles))
            self.bundles |= found
            reached = set(array("I", b"".join(found.values())))
            wanted |= reached
            bundles = {m - BUNDLE for m in reached if m >= BUNDLE} - self.bundles.keys()
        probes = [member for member in wanted if member < BUNDLE]
        rows = _rows(connection, "select id, kind, name, sign from probe where id in", probes)
        self.rows = rows
        versions = _record_versions(connection, [row[2] for row in rows if row[1] == "record"])
        for number, kind, name, sign in rows:
            if kind == "record":
                self.known[number] = versions.get(name, "") == sign
            elif kind == "place":
                self.known[number] = places.get(name, "") == sign
            else:
                self.known[number] = holds(kind, name, sign)
        is_whole = len(rows) == len(probes) and not _lacks_bundles(wanted, self.bundles)
        # Then no member need be asked for: what mostly is the case.
        self.holds_all = is_whole and all(self.known.values())

    @cached_property
    def members(self) -> Members:
        return Members((number for number, holds in self.known.items() if holds), self.bundles)


def _lacks_bundles(wanted: Iterable[int], known: Mapping[int, Any]) -> bool:
    return any(member >= BUNDLE and member - BUNDLE not in known for member in wanted)


def _loaded(data: str) -> Any:
    return None if data == "null" else json.loads(data)


def _record_versions(connection: sqlite3.Connection, tasks: list[str]) -> dict[str, str]:
    query = "select task, version from record where forgotten = 0 and task in"
    return dict(_rows(connection, query, tasks, whole=False))  # records are long


def _rows(
    connection: sqlite3.Connection, query: str, values: Iterable[Any], *, whole: bool = True
) -> list[tuple]:
    """Rows of ``query`` (which ends in "where COLUMN in", its first column) for all the values."""
    wanted = list(values)
    if whole and len(wanted) > WHOLE:  # to read from end to end is quicker than so many look-ups
        chosen = set(wanted)
        every = connection.execute(query[: query.rindex(" where ")]).fetchall()
        return [row for row in every if row[0] in chosen]
    found: list[tuple] = []
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        marks = ",".join("?" * len(part))
        found += connection.execute(f"{query} ({marks})", part).fetchall()
    return found


class _Writer:
    """Gives probes and groups their numbers."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._probes: dict[Probe, int] = {}
        self._groups: dict[Group, int] = {}

    def members(self, group: Group) -> array[int]:
        numbers = {
            self._group(item) + BUNDLE if isinstance(item, Group) else self._probe(item)
            for item in group.items
        }
        return array("I", sorted(numbers))

    def _probe(self, probe: Probe) -> int:
        if probe not in self._probes:
            row = (probe.name, probe.kind, probe.sign)
            known = self.connection.execute(
                "select id from probe where name = ? and kind = ? and sign = ?", row
            ).fetchone()
            self._probes[probe] = (
                known[0]
                if known
                else self.connection.execute(
                    "insert into probe (name, kind, sign) values (?, ?, ?)", row
                ).lastrowid
            )
        return self._probes[probe]

    def _group(self, group: Group) -> int:
        if group not in self._groups:
            members = self.members(group).tobytes()
            digest = _bundle_digest(members)
            known = self.connection.execute(
                "select id from bundle where digest = ?", (digest,)
            ).fetchone()
            self._groups[group] = (
                known[0]
                if known
                else self.connection.execute(
                    "insert into bundle (digest, members) values (?, ?)", (digest, members)
                ).lastrowid
            )
        return self._groups[group]


def _bundle_digest(members: bytes) -> str:
    return hashlib.sha256(members).hexdigest()


def _purge(connection: sqlite3.Connection) -> None:
    """Remove probes and bundles that no stamp mentions, once enough have come together."""
    count = connection.execute("select count(*) from probe").fetchone()[0]
    row = connection.execute("select value from fact where name = 'purge_at'").fetchone()
    if count < (int(row[0]) if row else PURGE_SLACK):
        return
    used: set[int] = set()
    for (members,) in connection.execute("select members from stamp"):
        used.update(array("I", members))
    waiting = {member for member in used if member >= BUNDLE}
    while waiting:
        reached: set[int] = set()
        numbers = [member - BUNDLE for member in waiting]
        query = "select id, members from bundle where id in"
        for _number, members in _rows(connection, query, numbers):
            reached.update(array("I", members))
        waiting = {member for member in reached if member >= BUNDLE} - used
        used |= reached
    for table, offset in (("probe", 0), ("bundle", BUNDLE)):
        every = [row[0] for row in connection.execute(f"select id from {table}")]
        unused = [(number,) for number in every if number + offset not in used]
        connection.executemany(f"delete from {table} where id = ?", unused)
    left = connection.execute("select count(*) from probe").fetchone()[0]
    connection.execute(
        "insert or replace into fact values ('purge_at', ?)", (str(2 * left + PURGE_SLACK),)
    )


def open_stamps(root: Path) -> Stamps:
    """The stamps of a build root."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    reader = f"{sys.version_info[:2]}\0{sys.prefix}\0{package}"
    return Stamps(Database(database_path(root / "build")), reader, root)
