"""Answers to whole requests that found nothing to do: what a large workspace asks again and again.

:mod:`forgather.make.stamps` answers task by task. Where everything was current, all that its stamps rest
on is kept once more in one row, in the order in which it is compared: the next request with the same words
reads that row, stats the files and is done.

An answer says nothing that the stamps do not say. It rests on records as they were when it was given:
SQLite removes all answers as soon as a record or a stamp goes or changes (see the triggers in
:mod:`forgather.make.database`).
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain

from forgather.make.probes import holds, signed
from forgather.make.stamps import Stamps

MANY = 200  # probes from which on an answer is worth its row
KEPT = 4  # questions whose answers are kept


def question(names: Iterable[str], following: Iterable[str]) -> str:
    return json.dumps([list(names), list(following)])


def recall(stamps: Stamps, asked: str) -> list[str] | None:
    """The tasks of the request ``asked``, if all of them are known to be current still."""
    with stamps.reading() as connection:
        if connection is None:
            return None
        row = connection.execute(
            "select tasks, files, signs, others from answer where question = ?", (asked,)
        ).fetchone()
    if row is None:
        return None
    tasks, files, signs, others = row
    if not all(holds(*probe) for probe in json.loads(others)):
        return None
    return json.loads(tasks) if _signs_of(files.split("\0")) == signs else None


def keep(stamps: Stamps, asked: str, tasks: Sequence[str]) -> None:
    """Remember that ``tasks`` were all current, judged by what ``stamps`` looked at just now."""
    seen = stamps.seen.values()
    if len(seen) < MANY or stamps.has_waiting:
        return
    files = [(name, sign) for kind, name, sign in seen if kind == "file"]
    others = [probe for probe in seen if probe[0] not in ("file", "record", "place")]
    try:
        signs = array("q", (int(part) for _name, sign in files for part in sign.split(":")))
    except OverflowError:  # the numbers of files are beyond 63 bits on some network disks
        return
    row = (
        asked,
        json.dumps(tasks),
        "\0".join(name for name, _sign in files),
        signs.tobytes(),
        json.dumps(others),
    )
    with stamps.database.writing() as connection:
        if stamps.records_hold(connection):  # another build may have written some since
            connection.execute("insert or replace into answer values (?, ?, ?, ?, ?)", row)
            connection.execute(
                "delete from answer where rowid not in"
                " (select rowid from answer order by rowid desc limit ?)",
                (KEPT,),
            )


def _signs_of(files: Iterable[str]) -> bytes | None:
    """The signatures of files, one after the other, without a step of Python's for each."""
    try:
        return array("q", chain.from_iterable(map(signed, map(os.stat, files)))).tobytes()
    except (OSError, ValueError, OverflowError):  # one is gone
        return None
