"""The SQLite file of a build root, opened and found damaged by several at the same moment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.errors import BuildError
from forgather.make.database import Database

OPEN_TOGETHER = """
import multiprocessing, sys
from pathlib import Path
from forgather.make.database import Database
from forgather.make.digest import FileDigests

fork = multiprocessing.get_context("fork")

def work(folder, together):
    together.wait()
    database = Database(folder / "state.sqlite")
    with database.writing() as connection:
        connection.execute("insert into fact values (?, '')", (fork.current_process().name,))
    FileDigests(folder / "files.sqlite").close()

for number in range(int(sys.argv[2])):
    folder = Path(sys.argv[1], str(number))
    together = fork.Barrier(12)
    builds = [fork.Process(target=work, args=(folder, together)) for _ in range(12)]
    for build in builds:
        build.start()
    for build in builds:
        build.join()
    with Database(folder / "state.sqlite").reading() as connection:
        (count,) = connection.execute("select count(*) from fact").fetchone()
    assert count == 12, count
"""


def test_many_open_a_new_database_together(tmp_path):
    """SQLite refuses at once, whatever its timeout, where two turn on the write-ahead log."""
    command = [sys.executable, "-c", OPEN_TOGETHER, str(tmp_path), "25"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def remember(database: Database, *facts: str) -> None:
    with database.writing() as connection:
        connection.executemany("insert into fact values (?, '')", [(fact,) for fact in facts])


def facts(database: Database) -> list[str]:
    with database.reading() as connection:
        return [name for (name,) in connection.execute("select name from fact")]


def test_of_two_that_find_the_same_damage_one_puts_it_aside(tmp_path):
    path = tmp_path / "state.sqlite"
    first = Database(path)
    remember(first, *(f"{number:01000}" for number in range(100)))
    first.close()
    with path.open("r+b") as file:  # behind the first page, which is all that opening reads
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    one, other = Database(path), Database(path)
    with pytest.raises(BuildError, match="malformed"):
        facts(one)
    new = Database(path)
    remember(new, "new")
    with pytest.raises(BuildError, match="malformed"):
        facts(other)
    assert facts(Database(path)) == ["new"]
    assert Path(f"{path}.damaged").exists()
