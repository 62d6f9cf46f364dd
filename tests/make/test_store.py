"""The store: entries are whole or absent, and bytes are checked when they come out."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from forgather.errors import BuildError
from forgather.make.digest import FileDigests
from forgather.make.probes import collecting
from forgather.make.state import Record, State, damaged_output
from forgather.make.storage.disk_cache import DiskCache, write_atomically
from forgather.make.storage.entry import Entry, scan
from forgather.make.storage.store import LINKED_FROM, Store

KEY = "1" * 64


@pytest.fixture
def digests(tmp_path):
    found = FileDigests(tmp_path / "files.sqlite")
    yield found
    found.close()


@pytest.fixture
def store(tmp_path, digests):
    return Store(DiskCache(tmp_path / "store"), digests)


@pytest.fixture
def shared(tmp_path, digests):
    """A store with a cache that others use, too."""
    return Store(DiskCache(tmp_path / "store"), digests, shared=DiskCache(tmp_path / "cache"))


def stored(store, tmp_path, key=KEY, *, link=(), **files):
    source = tmp_path / f"source-{key[:4]}"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    return store.put(Entry(key, scan(source, store.digests)), source, link=link)


# entries


def test_what_is_put_comes_back(store, tmp_path):
    stored(store, tmp_path, a="one", b="two")
    entry = store.get(KEY)
    store.checkout(entry.outputs, tmp_path / "out")
    assert (tmp_path / "out" / "b").read_text() == "two"
    assert scan(tmp_path / "out", store.digests) == entry.outputs


def test_no_verdict_rests_on_what_the_store_holds_already(store, tmp_path):
    entry = stored(store, tmp_path, a="one")
    with collecting() as seen:
        store.put(entry, tmp_path / "source-1111")
    assert not seen.items


def test_a_checkout_replaces_the_whole_tree(store, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").write_text("old")
    entry = stored(store, tmp_path, a="one")
    store.checkout(entry.outputs, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_an_executable_comes_back_as_one_and_its_blob_is_none(store, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "tool").write_text("#!/bin/sh\n")
    (source / "tool").chmod(0o755)
    entry = store.put(Entry(KEY, scan(source, store.digests)), source)
    store.checkout(entry.outputs, tmp_path / "out")
    assert os.access(tmp_path / "out" / "tool", os.X_OK)
    assert not store.blob(entry.files["tool"]).stat().st_mode & stat.S_IXUSR


def test_editing_an_artifact_does_not_reach_the_store(store, tmp_path):
    entry = stored(store, tmp_path, a="one")
    store.checkout(entry.outputs, tmp_path / "out")
    (tmp_path / "out" / "a").write_text("edited")
    store.checkout(entry.outputs, tmp_path / "again")
    assert (tmp_path / "again" / "a").read_text() == "one"
    assert not os.stat(store.blob(entry.files["a"])).st_mode & stat.S_IWUSR


def test_a_large_output_is_a_read_only_link_to_its_blob(store, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    with open(source / "large", "wb") as stream:
        stream.truncate(LINKED_FROM)
    entry = store.put(Entry(KEY, scan(source, store.digests)), source)
    store.checkout(entry.outputs, tmp_path / "out")
    assert os.path.samefile(tmp_path / "out" / "large", store.blob(entry.files["large"]))
    assert not (tmp_path / "out" / "large").stat().st_mode & stat.S_IWUSR


def test_equal_files_are_kept_once(store, tmp_path):
    stored(store, tmp_path, a="one", b="one")
    stored(store, tmp_path, "2" * 64, c="one")
    assert len(list((store.root / "cas").iterdir())) == 1


def test_an_entry_without_its_blobs_is_no_entry(store, tmp_path):
    entry = stored(store, tmp_path, a="one")
    store.blob(entry.files["a"]).unlink()
    assert store.get(KEY) is None
    with pytest.raises(BuildError, match="lost a file") as caught:
        store.blob(entry.files["a"])
    assert caught.value.code == "FG602"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"key": "other", "outputs": {}, "reads": [], "values": {}, "provenance": {}}',
        b'{"key": "%s", "outputs": {}}' % KEY.encode(),
    ],
    ids=["empty", "cut", "a list", "not UTF-8", "nested", "of another key", "not whole"],
)
def test_a_truncated_or_foreign_entry_is_no_entry(store, tmp_path, data):
    stored(store, tmp_path, a="one")
    store.local.entry_path(KEY).write_bytes(data)
    assert store.get(KEY) is None


def test_an_entry_names_no_files_of_others(store, tmp_path):
    """A digest is used as the name of a file, and a damaged blob is removed."""
    entry = stored(store, tmp_path, a="one")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    text = store.local.entry_path(KEY).read_text()
    store.local.entry_path(KEY).write_text(text.replace(entry.files["a"], "../../victim"))
    assert store.get(KEY) is None
    assert victim.read_text() == "mine"


# damage


@pytest.mark.parametrize("damage", ["bad", "on", ""], ids=["altered", "truncated", "empty"])
def test_a_damaged_blob_is_named_and_removed(store, tmp_path, damage, capsys):
    entry = stored(store, tmp_path, a="one")
    blob = store.blob(entry.files["a"])
    blob.chmod(0o644)
    blob.write_text(damage)
    with pytest.raises(BuildError, match="copy of a is damaged") as caught:
        store.checkout(entry.outputs, tmp_path / "out")
    assert caught.value.code == "FG602"
    assert str(blob) in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert store.get(KEY) is None
    assert not list((store.root / "staging").iterdir())


def test_a_whole_copy_in_the_other_layer_takes_the_place_of_a_damaged_one(shared, tmp_path):
    entry = stored(shared, tmp_path, a="one")
    blob = shared.local.blob_path(entry.files["a"])
    blob.unlink()  # it shares its bytes with the one in the cache
    blob.write_text("bad")
    with pytest.raises(BuildError):
        shared.checkout(entry.outputs, tmp_path / "out")
    shared.checkout(shared.get(KEY).outputs, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_text() == "one"


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    write_atomically(file, "old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BuildError, match="No space left") as caught:
        write_atomically(file, "new")
    assert caught.value.code == "FG601"
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


# the cache that checkouts share


def test_another_checkout_finds_what_was_put_and_shares_its_bytes(shared, tmp_path, digests):
    entry = stored(shared, tmp_path, a="one")
    other = Store(DiskCache(tmp_path / "other"), digests, shared=DiskCache(tmp_path / "cache"))
    assert other.get(KEY) == entry
    sha = entry.files["a"]
    assert os.path.samefile(shared.local.blob_path(sha), other.blob(sha))


def test_a_cache_that_cannot_be_made_is_told_once_and_costs_nothing_else(tmp_path, digests, capsys):
    (tmp_path / "cache").write_text("in the way")
    store = Store(DiskCache(tmp_path / "store"), digests, shared=DiskCache(tmp_path / "cache"))
    stored(store, tmp_path, a="one")
    stored(store, tmp_path, "2" * 64, b="two")
    assert store.get(KEY) is not None
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and f"nothing is put into the cache {tmp_path / 'cache'}" in told[0]


READ = """
import sys
from pathlib import Path
from forgather.make.digest import FileDigests
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.entry import Entry, scan
from forgather.make.storage.store import Store

top = Path(sys.argv[1])
digests = FileDigests(top / "other.sqlite")
store = Store(DiskCache(top / "other"), digests, shared=DiskCache(top / "cache"))
entry = store.get("1" * 64)
store.checkout(entry.outputs, top / "out")
store.put(Entry("2" * 64, scan(top / "out", digests)), top / "out")
print((top / "out" / "a").read_text())
"""


def test_a_cache_that_is_read_only_is_read(shared, tmp_path):
    """In a process that keeps to permissions, whoever runs the tests."""
    stored(shared, tmp_path, a="one")
    tmp_path.chmod(0o777)
    cache = tmp_path / "cache"
    folders = [cache, *(path for path in cache.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    before = (
        ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    )
    try:
        done = subprocess.run(
            [*before, sys.executable, "-c", READ, str(tmp_path)], capture_output=True, text=True
        )
    except FileNotFoundError:
        pytest.skip("root writes everywhere, and there is no setpriv")
    finally:
        for path in folders:
            path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "one\n"
    assert f"nothing is put into the cache {cache}" in done.stderr
    assert [path.name for path in (cache / "ac").iterdir()] == [KEY]


# beside the store


def test_state_remembers_forgets_and_notices_damage(tmp_path, digests):
    state = State(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("one")
    record = Record("key", "out", {"a": digests(tmp_path / "out" / "a")})
    state.put("model:x/y", record)
    assert state.get("model:x/y") == record
    assert damaged_output(record, tmp_path, digests) is None
    (tmp_path / "out" / "a").write_text("two")
    assert damaged_output(record, tmp_path, digests) == "out/a was altered"
    (tmp_path / "out" / "a").unlink()
    assert damaged_output(record, tmp_path, digests) == "out/a is missing"
    state.forget("model:x/y")
    assert state.get("model:x/y") is None and state.is_forgotten("model:x/y")
    assert state.last("model:x/y") == record
    state.close()
