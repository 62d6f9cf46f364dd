"""Collections while builds go on, and collections that are killed: nothing that is used goes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from forgather.make.state import State
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.upkeep import collection
from tests.make.build_root import BuildRoot, close, key, problems, sha

REPOSITORY = Path(__file__).parents[2]
BUILDERS, ROUNDS, KILLS = 3, 40, 12


@pytest.fixture
def root(tmp_path):
    return BuildRoot(tmp_path / "root", tmp_path / "cache")


class Paused:
    """A fork that runs ``action(pause)``, up to the first ``pause()`` when this is made."""

    def __init__(self, action) -> None:
        paused, go_on = os.pipe(), os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(go_on[1])
            try:
                action(lambda: (os.write(paused[1], b"x"), os.read(go_on[0], 1)))
                os._exit(0)
            except BaseException as error:  # noqa: BLE001 - it must not return into the test
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
        os.close(paused[1])
        os.close(go_on[0])
        os.read(paused[0], 1)
        os.close(paused[0])
        self._go_on = go_on[1]

    def ends_well(self) -> bool:
        os.write(self._go_on, b"x")
        return self._wait() == 0

    def kill(self) -> None:
        if self.process:
            os.kill(self.process, signal.SIGKILL)
            self._wait()

    def _wait(self) -> int:
        os.close(self._go_on)
        _pid, status = os.waitpid(self.process, 0)
        self.process = 0
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def paused():
    started = []

    def start(action) -> Paused:
        started.append(Paused(action))
        return started[-1]

    yield start
    for child in started:
        child.kill()


def test_an_entry_may_be_written_after_its_blobs_were_found(root, paused, monkeypatch):
    """The blob is garbage when it is found; between that and the entry, a whole collection runs."""
    root.put("old", {"a": "both", "b": "rest"})

    def build(pause):
        write = DiskCache.write_entry

        def wait(self, *args):
            if self.root == root.store:
                pause()
            write(self, *args)

        monkeypatch.setattr(DiskCache, "write_entry", wait)
        root.put("new", {"a": "both"})
        assert (root.store / "cas" / sha("both")).exists()

    child = paused(build)
    root.collect()
    root.collect_cache(older_than=-1)
    assert root.blobs() == {sha("both")}
    assert child.ends_well()
    assert root.entries() == root.entries(root.cache) == {key("new")}
    assert not problems(root.store) and not problems(root.cache)
    root.collect()
    assert root.entries() == set(), "the process that used it has ended, and recorded nothing"


@pytest.mark.parametrize("place", ["store", "cache"])
def test_what_was_taken_can_be_published_after_a_collection(root, place, paused, tmp_path):
    root.put("old", {"a": "one"})
    root.put("other", {"b": "two"})
    if place == "cache":
        for path in [*(root.store / "ac").iterdir(), *(root.store / "cas").iterdir()]:
            path.unlink()

    def build(pause):
        store = root.open()
        entry = store.get(key("old"))
        pause()
        store.checkout(entry.outputs, tmp_path / "out")

    child = paused(build)
    root.collect()
    root.collect_cache(older_than=-1)
    assert root.entries(getattr(root, place)) == {key("old")}
    assert child.ends_well()
    assert (tmp_path / "out" / "a").read_text() == "one"


def test_a_killed_build_keeps_nothing(root, paused):
    root.put("old", {"a": "one"})

    def build(pause):
        store = root.open()
        assert store.get(key("old")) is not None
        pause()

    child = paused(build)
    root.collect()
    assert root.entries() == {key("old")}
    child.kill()
    root.collect()
    assert root.entries() == root.blobs() == set()


@pytest.mark.parametrize("what", ["a new entry", "a record", "the entry again"])
def test_what_a_build_did_while_garbage_was_looked_for_is_kept(root, what, monkeypatch):
    """It began after the looking and ended before the removing, so that it has no pins."""
    old = root.put("old", {"a": "one"}, age=7200)
    sweep = collection.sweep

    def meanwhile(*args):
        if what == "a new entry":
            root.put("new", {"b": "one"})
        elif what == "a record":
            root.record("model:old", old)
        else:
            store = root.open()
            assert store.get(key("old")) is not None
            close(store)
        return sweep(*args)

    monkeypatch.setattr(collection, "sweep", meanwhile)
    done = root.collect()
    assert root.blobs() == {sha("one")}
    assert root.entries() == {key("new" if what == "a new entry" else "old")}
    assert done.freed.spared == (what != "a new entry")
    assert not problems(root.store)


def test_a_collection_that_is_killed_anywhere_leaves_whole_entries(root):
    root.record("model:kept", root.put("kept", {"a": "kept", "b": "both"}))
    count = 0
    while True:
        for number in range(4):
            root.put(f"g{number}", {"a": str(number), "b": "both", "c": f"{number % 2}"})
        child = os.fork()
        if child == 0:
            die_after(count)
            root.collect()
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert not problems(root.store)
        assert key("kept") in root.entries()
        if status == 0:
            break
        assert status == -signal.SIGKILL
        count += 1
    assert count >= 8, "it was killed after each removal"
    root.collect()
    assert root.entries() == {key("kept")}
    assert root.blobs() == {sha("kept"), sha("both")}
    assert not list((root.store / "staging").iterdir())


def die_after(count: int) -> None:
    """kill -9 of this process at its next but so many renames."""
    rename, left = os.rename, [count]

    def die(*args):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        rename(*args)

    os.rename = die


# real processes, at random


BUILD = """
import random, sys
from pathlib import Path
from tests.make.build_root import BuildRoot, close, key

top, name, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
root = BuildRoot.__new__(BuildRoot)
root.root, root.cache, root.store = top / "root", top / "cache", top / "root" / "build" / "store"
chance = random.Random(name)
for number in range(rounds):
    files = {f"file{n}": str(chance.randrange(6)) for n in range(3)}
    store = root.open()
    entry = root.put(f"{name}-{number}", files, build=store)
    assert store.get(entry.key) == entry
    store.checkout(entry.outputs, top / "out" / name)
    root.record(f"model:{name}", entry)
    close(store)
    assert {p.name: p.read_text() for p in (top / "out" / name).iterdir()} == files
print("built", rounds)
"""

COLLECT = """
import sys
from pathlib import Path
from tests.make.build_root import BuildRoot

top = Path(sys.argv[1])
root = BuildRoot.__new__(BuildRoot)
root.root, root.cache, root.store = top / "root", top / "cache", top / "root" / "build" / "store"
count = 0
while not (top / "stop").exists():
    count += root.collect().freed.blobs
    root.collect_cache(older_than=-1)
print(count)
"""


def start(script: str, *arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_builds_and_collections_at_once_and_some_are_killed(root, tmp_path):
    """Builders put and take the same few contents, while others remove whatever is not in use."""
    chance = random.Random(1)
    root.put("first", {"a": "0"})
    names = [f"b{number}" for number in range(BUILDERS)]
    builders = [start(BUILD, str(tmp_path), name, str(ROUNDS)) for name in names]
    steady, victim = (start(COLLECT, str(tmp_path)) for _ in range(2))
    kills = 0
    try:
        while any(builder.poll() is None for builder in builders):
            time.sleep(chance.random() * 0.3)
            if kills < KILLS:
                kills += 1
                victim.kill()
                victim.communicate()
                victim = start(COLLECT, str(tmp_path))
    finally:
        (tmp_path / "stop").touch()
    outputs = [builder.communicate()[0] for builder in builders]
    assert outputs == [f"built {ROUNDS}\n"] * BUILDERS
    assert int(steady.communicate()[0]) > 0
    victim.communicate()
    assert kills > 0
    assert not problems(root.store) and not problems(root.cache)
    root.collect()
    with closing(State(root.root / "build")) as state:
        records = [state.get(f"model:{name}") for name in names]
    assert {record.key for record in records} == root.entries()
    assert not list((root.store / "staging").iterdir())
