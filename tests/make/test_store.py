"""The store: entries are whole or absent, and bytes are checked when they come out."""

import os
import stat

import pytest

from forgather.errors import BuildError
from forgather.make.digest import FileDigests
from forgather.make.lock import lease
from forgather.make.state import Record, State, damaged_output
from forgather.make.store import Entry, Store, scan, write_atomically


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store", FileDigests(tmp_path / "db.sqlite"))


def stored(store, tmp_path, key="k1", **files):
    source = tmp_path / f"source-{key}"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_text(text)
    return store.put(Entry(key, scan(source, store.digests)), source)


def test_what_is_put_comes_back(store, tmp_path):
    stored(store, tmp_path, a="one", b="two")
    entry = store.get("k1")
    store.checkout(entry.files, tmp_path / "out")
    assert (tmp_path / "out" / "b").read_text() == "two"
    assert scan(tmp_path / "out", store.digests) == entry.files


def test_a_checkout_replaces_the_whole_tree(store, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale").write_text("old")
    entry = stored(store, tmp_path, a="one")
    store.checkout(entry.files, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]


def test_editing_an_artifact_does_not_reach_the_store(store, tmp_path):
    entry = stored(store, tmp_path, a="one")
    store.checkout(entry.files, tmp_path / "out")
    (tmp_path / "out" / "a").write_text("edited")
    store.checkout(entry.files, tmp_path / "again")
    assert (tmp_path / "again" / "a").read_text() == "one"
    assert not os.stat(store.blob(entry.files["a"])).st_mode & stat.S_IWUSR


def test_an_entry_without_its_blobs_is_no_entry(store, tmp_path):
    entry = stored(store, tmp_path, a="one")
    store.blob(entry.files["a"]).unlink()
    assert store.get("k1") is None


@pytest.mark.parametrize("text", ["", "{", '{"key": "other", "files": {}}', "[]"])
def test_a_truncated_or_foreign_entry_is_no_entry(store, tmp_path, text):
    stored(store, tmp_path, a="one")
    (store.root / "ac" / "k1").write_text(text)
    assert store.get("k1") is None


def test_a_damaged_blob_is_named_and_removed(store, tmp_path):
    entry = stored(store, tmp_path, a="one")
    blob = store.blob(entry.files["a"])
    blob.chmod(0o644)
    blob.write_text("bad")
    with pytest.raises(BuildError, match="damaged") as caught:
        store.checkout(entry.files, tmp_path / "out")
    assert "a is damaged" in str(caught.value) or "of a" in str(caught.value)
    assert not (tmp_path / "out").exists()
    assert store.get("k1") is None


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    write_atomically(file, "old")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BuildError, match="No space left"):
        write_atomically(file, "new")
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_state_remembers_forgets_and_notices_damage(tmp_path):
    state, digests = State(tmp_path), FileDigests(tmp_path / "db.sqlite")
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


def test_a_lease_is_given_back_when_its_holder_dies(tmp_path):
    child = os.fork()
    if child == 0:
        with lease(tmp_path / "lock"):
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    with lease(tmp_path / "lock"):
        pass
