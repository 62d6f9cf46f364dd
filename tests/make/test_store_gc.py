"""What is garbage in a store, what never is, and what goes first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from forgather.errors import BuildError
from forgather.make.state import Record, State
from forgather.make.upkeep.leftovers import DAY, NOTE_SECONDS
from tests.make.build_root import BuildRoot, close, key, problems, sha

HOUR = 3600.0


@pytest.fixture
def root(tmp_path):
    return BuildRoot(tmp_path / "root")


@pytest.fixture
def both(tmp_path):
    """A build root with a cache of the user."""
    return BuildRoot(tmp_path / "root", tmp_path / "cache")


# what a record refers to


def test_what_no_record_refers_to_goes(root):
    kept = root.put("kept", {"a": "one", "b": "both"})
    root.put("old", {"c": "two", "d": "both"})
    root.record("model:kept", kept)
    done = root.collect()
    assert root.entries() == {key("kept")}
    assert root.blobs() == {sha("one"), sha("both")}
    assert (done.freed.entries, done.freed.blobs, done.freed.linked) == (1, 1, 0)
    assert not problems(root.store)


def test_a_record_keeps_its_files_and_the_configs_of_now_and_before(root):
    """Also one that was forgotten: it says what changed."""
    kept = root.put("kept", {"a": "one"})
    config = {"graph.json": "graph", "spans.json": "spans", "config.yaml": "text"}
    before = {"graph.json": "old graph", "spans.json": "old spans", "config.yaml": "old text"}
    root.put("now", config, kind="config")
    root.put("before", before, kind="config")
    root.put("older", {"graph.json": "older", "spans.json": "older spans"}, kind="config")
    root.record(
        "model:kept",
        kept,
        config={"graph": sha("graph"), "spans": sha("spans")},
        before={
            "key": "x",
            "inputs": {},
            "config": {"graph": sha("old graph"), "spans": sha("old spans")},
        },
    )
    with closing(State(root.root / "build")) as state:
        state.forget("model:kept")
    root.collect()
    assert root.entries() == {key("kept"), key("now"), key("before")}
    assert root.blobs() == {sha(text) for text in ("one", *config.values(), *before.values())}
    for name in ("now", "before"):
        (root.store / "ac" / key(name)).unlink()
    root.collect()
    told = ("one", "graph", "spans", "old graph", "old spans")
    assert root.blobs() == {sha(text) for text in told}, "what the record itself names"


def test_an_entry_that_data_files_led_to_is_kept_with_what_led_there(root):
    """The record names the entry, and the key under which the store tells what was read."""
    made = root.put("made", {"a": "one"})
    root.put("places", {}, values={"places": [[["file", "data"]]]}, kind="dataset")
    root.put("others", {}, values={"places": [[["file", "data"]]]}, kind="dataset")
    for name in ("places", "others"):  # manifests tell nothing of a task
        path = root.store / "ac" / key(name)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"provenance": {}}))
    with closing(State(root.root / "build")) as state:
        record = Record(key("places"), "build/x", made.files, entry=made.key)
        state.put("dataset:x", record)
    root.collect()
    assert root.entries() == {key("made"), key("places")}


def test_a_blob_that_only_a_record_names_stays(root):
    entry = root.put("kept", {"a": "one"})
    root.record("model:kept", entry)
    (root.store / "ac" / entry.key).unlink()
    root.put("other", {"b": "two"})
    root.collect()
    assert root.blobs() == {sha("one")}


def test_what_a_job_needs_stays_until_it_is_collected(root):
    root.put("needed", {"a": "one"})
    root.put("input", {"b": "two"})
    folder = root.root / "build" / "jobs" / key("job")
    folder.mkdir(parents=True)
    bundle = {"key": key("needed"), "inputs": [{"path": "x", "sha256": sha("two")}]}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    root.collect()
    assert root.entries() == {key("needed")}
    assert root.blobs() == {sha("one"), sha("two")}
    (folder / "bundle.json").rename(folder / "collected.json")
    root.collect()
    assert root.entries() == root.blobs() == set()


# trainings


def test_weights_stay_while_a_ledger_has_their_key_and_go_afterwards(root):
    root.train("first", "weights 1")
    root.train("second", "weights 2")
    root.train("third", "weights 3")
    output = root.root / "output_models" / "m"
    trained = {key("first"), key("second"), key("third")}
    for path in output.rglob("*.safetensors"):
        path.unlink()
    root.collect()
    assert root.entries() == trained, "no record, no weights: ledgers alone"
    shutil.rmtree(output / "earlier" / key("first")[:16])
    root.collect()
    assert root.entries() == trained - {key("first")}
    shutil.rmtree(output / "earlier")
    (output / "training.json").unlink()
    root.collect()
    assert root.entries() == root.blobs() == set()


@pytest.mark.parametrize("how", ["copies", "links", "links elsewhere"])
def test_weights_stay_while_they_stand_in_an_output_directory(root, how):
    """Whatever became of the ledger; links are known even where the directory has another name."""
    root.train("first", "weights 1")
    root.train("second", "weights 2")
    output = root.root / "output_models" / "m"
    earlier = output / "earlier" / key("first")[:16]
    (output / "training.json").write_text("{ damaged")
    (earlier / "training.json").unlink()
    if how != "copies":
        for folder, text in ((earlier, "weights 1"), (output, "weights 2")):
            place = folder / "checkpoint-5" / "model.safetensors"
            place.unlink()
            os.link(root.store / "cas" / sha(text), place)
    if how == "links elsewhere":
        output.rename(root.root / "output_models" / "renamed")
    root.collect()
    if how == "links elsewhere":
        assert sha("weights 2") in root.blobs()
        shutil.rmtree(root.root / "output_models")
    else:
        assert {key("first"), key("second")} == root.entries()
        shutil.rmtree(output)
    root.collect()
    assert root.blobs() == set()


def test_a_training_outside_of_every_project_is_found_by_its_record_and_entry(root, tmp_path):
    output = os.path.relpath(tmp_path / "elsewhere", root.root)
    entry = root.train("far", "weights", output)
    root.collect()
    assert root.entries() == {entry.key}
    shutil.rmtree(tmp_path / "elsewhere")
    root.collect()
    assert root.entries() == set()


def test_a_ledger_in_a_directory_that_was_moved_counts(root):
    root.train("moved", "weights", "projects/one/output_models/m")
    (root.root / "archive").mkdir()
    (root.root / "projects/one/output_models/m").rename(root.root / "archive" / "m")
    root.collect()
    assert root.entries() == {key("moved")}


# limits


def test_recent_garbage_stays_where_an_age_is_given(root):
    root.put("recent", {"a": "one", "c": "both"}, age=2 * HOUR)
    root.put("old", {"b": "two", "c": "both"}, age=2 * DAY)
    orphan = root.store / "cas" / sha("orphan")
    orphan.write_text("orphan")
    root.collect(older_than=DAY)
    assert root.entries() == {key("recent")}
    assert root.blobs() == {sha("one"), sha("both"), sha("orphan")}
    os.utime(orphan, (0, 0))
    root.collect(older_than=DAY)
    assert root.blobs() == {sha("one"), sha("both")}


def test_the_oldest_garbage_goes_first_until_the_size_is_right(root):
    root.record("model:kept", root.put("kept", {"a": "k" * 1000}))
    for number, age in enumerate((3, 1, 2)):
        root.put(f"g{number}", {"a": str(number) * 1000}, age=age * HOUR)
    size = root.collect(dry_run=True, max_size=1 << 40).size
    done = root.collect(max_size=size - 1)
    assert root.entries() == {key("kept"), key("g1"), key("g2")}
    assert done.size < size
    done = root.collect(max_size=0)
    assert root.entries() == {key("kept")}
    assert done.size >= 1000, "what is referred to stays, however small the store should be"


def test_what_is_used_again_is_young_again(root):
    root.put("used", {"a": "one"}, age=2 * DAY)
    root.put("not", {"a": "two"}, age=2 * DAY)
    store = root.open()
    assert store.get(key("used")) is not None
    close(store)
    root.collect(older_than=DAY)
    assert root.entries() == {key("used")}


def test_of_a_cache_the_entries_that_were_not_used_for_long_go(both):
    """Whose they are is not known; what another checkout takes from its own store counts as used."""
    for name in ("used", "not", "new"):
        both.put(name, {"a": name, "b": "both"}, age=0 if name == "new" else 40 * DAY)
    store = both.open()
    assert store.get(key("used")) is not None
    close(store)
    done = both.collect_cache(older_than=30 * DAY)
    assert both.entries(both.cache) == {key("used"), key("new")}
    assert both.blobs(both.cache) == {sha("used"), sha("new"), sha("both")}
    assert both.entries() == {key("used"), key("not"), key("new")}, "the checkout keeps its own"
    assert done.freed.linked == len("not"), "its blob still is that of the checkout"
    assert not problems(both.cache) and not problems(both.store)


def test_a_dry_run_tells_what_would_go_and_removes_nothing(root):
    root.record("model:kept", root.put("kept", {"a": "kept", "b": "both"}))
    root.put("old", {"a": "one", "b": "both"})
    before = sorted(root.store.rglob("*"))
    told = root.collect(dry_run=True)
    assert sorted(root.store.rglob("*")) == before
    done = root.collect()
    assert told.freed == done.freed and told.size == done.size > 0
    assert done.freed.entries == done.freed.blobs == 1


def test_an_entry_that_cannot_be_understood_is_garbage(root):
    root.record("model:kept", root.put("kept", {"a": "one"}))
    (root.store / "ac" / key("broken")).write_text("{")
    (root.store / "ac" / key("folder")).mkdir()
    (root.store / "ac" / key("folder") / "file").touch()
    root.collect()
    assert root.entries() == {key("kept")}


# leftovers


def test_scratch_files_of_dead_processes_go_and_those_of_living_ones_stay(root):
    root.put("any", {"a": "one"})
    store = root.open()
    with store.staging("alive") as alive:
        (alive / "file").write_text("in use")
        dead = root.store / "staging" / "999999-0123abcd.train-xyz"
        dead.mkdir()
        (dead / "file").write_text("12345")
        foreign = root.store / "staging" / "put-abc"
        foreign.write_text("an upload to a server")
        done = root.collect()
        assert (alive / "file").exists() and foreign.exists() and not dead.exists()
        os.utime(foreign, (0, 0))
        root.collect()
        assert not foreign.exists()
    close(store)
    assert [(one.kind, one.size) for one in done.left] == [("scratch folders of dead processes", 5)]
    assert not list((root.store / "staging").iterdir())


def test_source_texts_stay_while_something_mentions_them(root):
    texts = {name: sha(name) for name in ("entry", "record", "run", "nothing", "new")}
    sources = root.store / "sources"
    sources.mkdir(parents=True)
    for name, digest in texts.items():
        (sources / digest).write_text(name)
        if name != "new":
            os.utime(sources / digest, (0, 0))
    kept = root.put("kept", {"a": "one"}, mentions=f"template {texts['entry']}")
    root.record("model:kept", kept, inputs={"reads": {"x": texts["record"]}})
    root.train("run", "weights")
    provenance = root.root / "output_models" / "m" / "provenance.json"
    provenance.write_text(json.dumps({"templates": {"x": texts["run"]}}))
    done = root.collect()
    left = {path.read_text() for path in sources.iterdir()}
    assert left == {"entry", "record", "run", "new"}
    assert [one.kind for one in done.left] == ["old source texts"]


def test_what_waits_to_be_uploaded_stays_for_a_month(root):
    root.put("waiting", {"a": "one"})
    outbox = root.store / "outbox" / "remote"
    outbox.mkdir(parents=True)
    note, gone = outbox / key("waiting"), outbox / f"{key('gone')}.sending"
    log = outbox / "push.log"
    for path in (note, gone, log):
        path.touch()
    root.collect()
    assert root.entries() == {key("waiting")}
    assert note.exists() and log.exists() and not gone.exists()
    then = time.time() - NOTE_SECONDS - 1
    os.utime(note, (then, then))
    root.collect()
    assert root.entries() == set()
    assert not note.exists() and log.exists()


def test_half_written_files_of_killed_processes_go_when_they_are_a_day_old(root):
    root.put("any", {"a": "one"})
    new, old = root.store / "ac" / ".new", root.store / "ac" / ".old"
    new.touch(), old.touch()
    os.utime(old, (0, 0))
    root.collect()
    assert new.exists() and not old.exists()


# trouble


COLLECT = """
import sys
from pathlib import Path
from forgather.errors import BuildError
from tests.make.build_root import BuildRoot

root = BuildRoot.__new__(BuildRoot)
root.root = Path(sys.argv[1])
root.store = root.root / "build" / "store"
try:
    root.collect()
except BuildError as error:
    print(error.render())
"""


def test_where_a_folder_cannot_be_read_nothing_is_removed(root):
    """There may be a training in it. In a process that keeps to permissions, whoever runs the tests."""
    root.train("hidden", "weights", "elsewhere/m")
    (root.root / "elsewhere").chmod(0)
    before = (
        ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
    )
    try:
        done = subprocess.run(
            [*before, sys.executable, "-c", COLLECT, str(root.root)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("root reads everything, and there is no setpriv")
    finally:
        (root.root / "elsewhere").chmod(0o755)
    assert "error[FG634]" in done.stdout, done.stderr
    assert str(root.root / "elsewhere") in done.stdout
    assert root.entries() == {key("hidden")}


def test_a_store_that_cannot_be_written_to_is_named(root, monkeypatch):
    root.put("old", {"a": "one"})

    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.rename", refuse)
    with pytest.raises(BuildError, match="Permission denied") as caught:
        root.collect()
    assert str(root.store) in caught.value.message and caught.value.code == "FG601"
    assert root.entries() == {key("old")} and not problems(root.store)
