"""Leases: one holder at a time, whatever dies, and however often the unheld files are removed."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.make.lock import is_unheld, lease, remove_unheld
from forgather.make.upkeep.leftovers import unheld_locks
from tests.make.build_root import BuildRoot

REPOSITORY = Path(__file__).parents[2]
WORKERS, ROUNDS = 4, 400

HOLD = """
import fcntl, sys
from pathlib import Path
from forgather.make.lock import lease

if "late" in sys.argv:
    def flock(descriptor, how, flock=fcntl.flock):
        print("opened", flush=True)
        sys.stdin.readline()
        fcntl.flock = flock
        flock(descriptor, how)
    fcntl.flock = flock
with lease(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.readline()
"""

WORK = """
import os, sys
from pathlib import Path
from forgather.make.lock import lease

path, inside = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    with lease(path):
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))  # fails where another one is inside
        os.unlink(inside)
print("done")
"""

REMOVE = """
import sys
from pathlib import Path
from forgather.make.lock import remove_unheld

path, stop = Path(sys.argv[1]), Path(sys.argv[2])
count = 0
while not stop.exists():
    was_there = path.exists()
    remove_unheld(path)
    count += was_there and not path.exists()
print(count)
"""


class Process:
    def __init__(self, script: str, *arguments: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def says(self) -> str:
        return self.process.stdout.readline().strip()

    def is_silent_for(self, seconds: float) -> bool:
        return not select.select([self.process.stdout], [], [], seconds)[0]

    def goes_on(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ends(self) -> str:
        return self.process.communicate()[0]


@pytest.fixture
def start():
    started = []

    def begin(script: str, *arguments: object) -> Process:
        started.append(Process(script, *arguments))
        return started[-1]

    yield begin
    for one in started:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def root(tmp_path):
    return BuildRoot(tmp_path / "root", tmp_path / "cache")


def test_a_lease_is_given_back_when_its_holder_dies(start, tmp_path):
    holder = start(HOLD, tmp_path / "lock")
    assert holder.says() == "holds"
    holder.process.kill()
    with lease(tmp_path / "lock"):
        pass


def test_only_what_nobody_holds_is_removed(start, tmp_path):
    path = tmp_path / "lock"
    holder = start(HOLD, path)
    assert holder.says() == "holds"
    assert not is_unheld(path)
    remove_unheld(path)
    assert path.exists()
    holder.ends()
    assert is_unheld(path)
    remove_unheld(path)
    assert not path.exists() and not is_unheld(path)
    remove_unheld(path)


def test_whoever_had_opened_a_file_that_is_removed_waits_for_the_holder_of_the_new_one(
    start, tmp_path
):
    path = tmp_path / "lock"
    path.touch()
    late = start(HOLD, path, "late")
    assert late.says() == "opened"
    remove_unheld(path)
    assert not path.exists()
    other = start(HOLD, path)
    assert other.says() == "holds"
    late.goes_on()
    assert late.is_silent_for(0.5)
    other.goes_on()
    assert late.says() == "holds"
    assert not is_unheld(path)


def test_a_remover_leaves_the_file_that_came_in_the_place_of_the_one_it_opened(
    tmp_path, monkeypatch
):
    path, flock = tmp_path / "lock", fcntl.flock
    path.touch()

    def replaced(descriptor, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        remove_unheld(path)  # another collection
        path.touch()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", replaced)
    remove_unheld(path)
    assert path.exists()


def test_there_is_one_holder_while_files_are_removed_all_the_time(start, tmp_path):
    path, inside, stop = tmp_path / "locks" / "lock", tmp_path / "inside", tmp_path / "stop"
    removers = [start(REMOVE, path, stop) for _ in range(2)]
    workers = [start(WORK, path, inside, ROUNDS) for _ in range(WORKERS)]
    outputs = [worker.ends() for worker in workers]
    stop.touch()
    removed = sum(int(remover.ends()) for remover in removers)
    assert outputs == ["done\n"] * WORKERS
    assert removed > 0
    assert os.listdir(tmp_path / "locks") in ([], ["lock"])


# collections of garbage


@pytest.mark.parametrize("place", ["store", "build", "cache"])
def test_lock_files_go_unless_somebody_holds_them(root, place):
    root.put("any", {"a": "one"})
    folder = {"store": root.store, "build": root.root / "build", "cache": root.cache}[place]
    collect = root.collect_cache if place == "cache" else root.collect
    held, free, other = (folder / "locks" / name for name in ("a" * 24, "b" * 24, "other"))
    with lease(held), lease(free), lease(other):
        assert not collect().left
    with lease(held):
        assert [one.path for one in collect().left] == [free]
        assert held.exists() and not free.exists()
    if place != "cache":
        assert [one.path for one in root.collect(dry_run=True).left] == [held]
        assert held.exists()
    collect()
    assert not held.exists() and other.exists()


def test_a_lock_file_that_is_taken_while_garbage_is_looked_for_stays(root):
    path = root.store / "locks" / ("a" * 24)
    with lease(path):
        pass
    (found,) = unheld_locks(path.parent)
    with lease(path):
        found.remove()
        assert not is_unheld(path) and path.exists()
    found.remove()
    assert not path.exists()
