"""Offering: a pack of what this checkout knows goes into the cache that checkouts share."""

from __future__ import annotations

import json
import os
import sqlite3
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

from forgather.make.build import Build
from forgather.make.packs.content import KINDS, PATHS, Names, below, key, look
from forgather.make.stamps import Check, Members
from forgather.make.storage.entry import Entry, Output

MANY = 100  # tasks made or restored in one run from which on a pack is worth its writing ...
SHARE = 10  # ... if they are at least this part of all that was ever built here
ABOUT = ("configs", "plan")  # stamps that are packed though they are of no task
OWN = ("time", "before", "reasons")  # fields of a record that tell of this checkout alone


def offer(build: Build, made: int) -> None:
    """Write a pack, if the ``made`` tasks of this run are worth it."""
    if made < MANY or not build.store.gives:
        return
    with build.stamps.reading() as connection:
        if connection is None or made * SHARE < _count_of_records(connection):
            return
        pack = _pack(build, connection)
    build.store.offer(pack)


def _count_of_records(connection: sqlite3.Connection) -> int:
    return connection.execute("select count(*) from record").fetchone()[0]


def _pack(build: Build, connection: sqlite3.Connection) -> Entry:
    records = dict(_records(connection))
    outputs = dict(_outputs(build, records))
    rows = [
        row
        for row in connection.execute("select name, data, members from stamp")
        if row[0].partition(":")[0] in ABOUT + KINDS
    ]
    check = Check(connection, [row[2] for row in rows], build.stamps.places)
    names = Names(build.root)
    probes = {}
    for number, *probe in check.rows:
        packed = _packed(names, outputs, *probe) if check.known[number] else None
        if packed is not None:
            probes[number] = packed
    members = Members(probes, check.bundles)
    values = {
        "stamps": [[name, data, _numbers(part)] for name, data, part in rows if members.all(part)],
        "bundles": [[number, _numbers(part)] for number, part in check.bundles.items()],
        "probes": [[number, *probe] for number, probe in probes.items()],
        "records": records,
    }
    return Entry(key(build.stamps, names), outputs, values=values, provenance={"kind": "pack"})


def _numbers(members: bytes) -> list[int]:
    return list(array("I", members))


def _records(connection: sqlite3.Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    """The records of texts and graphs; nothing was read for them but what compiling read."""
    query = "select task, version, data from record where forgotten = 0"
    for task, version, data in connection.execute(query):
        if task.partition(":")[0] in KINDS:
            fields = {name: value for name, value in json.loads(data).items() if name not in OWN}
            yield task, {"version": version, "fields": fields}


def _outputs(build: Build, records: Mapping[str, Any]) -> Iterator[tuple[str, Output]]:
    for record in records.values():
        fields = record["fields"]
        for name, digest in fields["files"].items():
            path = os.path.join(fields["place"], name)
            try:
                yield path, Output(digest, os.path.getsize(build.root / path))
            except OSError:  # removed by hand: its stamp does not hold
                continue


def _packed(
    names: Names, outputs: Mapping[str, Output], kind: str, name: str, sign: str
) -> list[str] | None:
    """Kind, name and content of a probe that holds; None where others could not judge it."""
    if kind == "record":
        return [kind, name, sign]
    short = names.shorten(name) if kind in PATHS else name
    if short is None:
        return None
    if kind == "place":
        return [kind, short, sign]
    if kind == "file" and below(short) in outputs:
        return [kind, short, outputs[below(short)].digest]
    seen = look(kind, name, names)
    return [kind, short, seen[1]] if seen is not None and seen[0] == sign else None
