"""``forgather store``: what its actions say, and how mistakes are answered."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from forgather.cli.amounts import parse_age, parse_size, show_counts, show_size
from forgather.errors import UsageError
from tests.make.build_root import BuildRoot, key, sha

DAY = 86400.0


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A build root with a model, its training and garbage; the current directory is in it."""
    found = BuildRoot(tmp_path / "root", tmp_path / "cache")
    found.record("model:mini", found.put("mini", {"modeling.py": "code", "config.json": "{}"}))
    trained = found.train("run", "weights")
    found.record("train:mini", trained, "output_models/m")
    found.put("old", {"modeling.py": "older code", "config.json": "{}"})
    (found.root / "project").mkdir()
    monkeypatch.chdir(found.root / "project")
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    return found


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A workspace in which nothing was built, and a cache that is not there."""
    (tmp_path / "root" / "forgather_workspace").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "root")
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "root"


# du


def test_du_counts_by_kind_what_is_shared_and_what_is_garbage(root, forgather):
    done = forgather("store", "du", "--format", "json")
    assert done.status == 0
    found = json.loads(done.out)
    store, cache = found["store"], found["cache"]
    assert store["kinds"]["model"] == {"entries": 2, "named": len("code{}older code{}")}
    assert store["kinds"]["train"]["entries"] == 1
    assert store["entries"] == 3 and store["blobs"] == 5
    assert store["shared"] == len("{}"), "two models have this file"
    assert store["named"] - store["shared"] == store["stored"]
    assert store["garbage"] == {
        "entries": 1,
        "blobs": 1,
        "bytes": (root.store / "ac" / key("old")).stat().st_size,
        "linked": len("older code"),
    }
    assert cache["stored"] == store["stored"] and cache["garbage"]["entries"] == 0
    assert found["total"] == store["stored"] + store["described"] + cache["described"]
    assert store["elsewhere"] == store["stored"], "the cache has the same files"


def test_du_for_readers(root, forgather):
    done = forgather("store", "du")
    assert done.status == 0
    assert done.lines[0] == f"store: {root.store}"
    assert any(line.split()[:2] == ["model", "2"] for line in done.lines)
    assert "in 1 entry and 1 blob, which nothing refers to" in done.out
    assert f"cache: {root.cache}" in done.lines
    assert "files that both have counted once" in done.lines[-1]


def test_du_reads_no_blob(root, forgather, monkeypatch):
    def refuse(_path):
        raise AssertionError("read")

    for name in ("digest", "storage.store"):
        monkeypatch.setattr(f"forgather.make.{name}.hash_file", refuse)
    weights = root.root / "output_models/m/checkpoint-5/model.safetensors"
    (root.root / "output_models/m/training.json").unlink()
    os.remove(weights)
    os.link(root.store / "cas" / sha("weights"), weights)
    assert forgather("store", "du").status == 0


def test_du_outside_of_a_workspace_shows_the_cache(root, forgather, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    done = forgather("store", "du")
    assert done.status == 0 and done.lines[0] == f"cache: {root.cache}"
    shutil.rmtree(root.cache)
    assert "error[FG502]" in forgather("store", "du").err


# gc


def test_gc_says_what_it_removed(root, forgather):
    told = forgather("store", "gc", "--dry-run")
    assert told.status == 0
    assert told.lines[0].startswith(f"would remove 1 entry and 1 blob from {root.store}: ")
    assert root.entries() == {key("mini"), key("run"), key("old")}
    done = forgather("store", "gc")
    assert done.status == 0
    assert done.lines[0].startswith(f"removed 1 entry and 1 blob from {root.store}: ")
    assert "10 B more stay on the disk under other names" in done.out
    assert root.entries() == {key("mini"), key("run")}


def test_gc_spares_what_is_recent_and_says_when_the_store_stays_too_large(root, forgather):
    assert forgather("store", "gc", "--older-than", "1h").status == 0
    assert key("old") in root.entries()
    root.grow_old("old", 2 * DAY)
    done = forgather("store", "gc", "--older-than", "1d", "--max-size", "10")
    assert key("old") not in root.entries()
    assert "that is more than --max-size: the rest is referred to" in done.out


def test_gc_of_the_cache_goes_by_age(root, forgather):
    root.grow_old("mini", 31 * DAY)
    root.grow_old("run", 29 * DAY)
    assert forgather("store", "gc", "--cache").status == 0
    assert root.entries(root.cache) == {key("run"), key("old")}
    assert root.entries() == {key("mini"), key("run"), key("old")}
    assert forgather("store", "gc", "--cache", "--max-size", "0").status == 0
    assert root.entries(root.cache) == root.blobs(root.cache) == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--older-than", "soon"], "--older-than 'soon' is not a length of time"),
        (["--older-than", "-1d"], "expected one argument"),
        (["--max-size", "20X"], "--max-size '20X' is not a size"),
        (["--max-size", ""], "--max-size '' is not a size"),
        (["--cache", "--gone"], "--gone is about a checkout"),
    ],
)
def test_gc_with_an_option_that_makes_no_sense(root, forgather, arguments, message):
    done = forgather("store", "gc", *arguments)
    assert done.status == 2 and message in done.err
    assert key("old") in root.entries()


# verify


def test_verify_of_a_whole_store(root, forgather):
    done = forgather("store", "verify")
    assert done.status == 0
    assert done.out.startswith("read ") and len(done.lines) == 1


def test_verify_names_each_problem_and_what_will_come_of_it(root, forgather):
    blob = root.store / "cas" / sha("code")
    os.remove(blob)
    blob.write_text("damaged")
    published = root.root / "build/model/mini/config.json"
    published.write_text("edited")
    foreign = root.store / "cas" / "foreign"
    foreign.write_text("")
    done = forgather("store", "verify")
    assert done.status == 1
    assert "error[FG632]: 3 problems in" in done.err
    again = "the next build that needs it makes it again"
    assert sorted(done.lines[:-1]) == sorted(
        [
            f"{blob} (model:mini): it has other bytes than its name says (7 bytes); {again}",
            f"{foreign}: its name is no sha256; no entry and no record names it",
            f"{published} (model:mini): it was altered; the next build of model:mini puts it back "
            "from the store",
        ]
    )
    done = forgather("store", "verify", "--repair")
    assert done.status == 0
    assert f"put back {blob}" in done.lines and f"touched {published}" in done.lines
    assert f"removed {foreign}" in done.lines
    assert blob.read_text() == "code" and published.read_text() == "edited"


def test_verify_names_entries_that_are_not_whole(root, forgather):
    entry = root.store / "ac" / key("old")
    for folder in (root.store, root.cache):
        (folder / "cas" / sha("older code")).unlink()
    broken = root.store / "ac" / key("broken")
    broken.write_text("{")
    short = root.store / "ac" / key("run")
    short.write_text(short.read_text().replace('"size":7', '"size":8'))
    done = forgather("store", "verify")
    assert done.status == 1
    assert f"{entry} (model:old): the blob of its modeling.py is missing" in done.out
    assert f"{broken}: it is no entry of its key" in done.out
    assert f"{short} (train:run): its checkpoint-5/model.safetensors has 8 bytes" in done.out
    done = forgather("store", "verify", "--repair")
    assert done.status == 0
    assert root.entries() == {key("mini")}
    assert forgather("store", "verify").status == 0


def test_a_blob_that_cannot_be_read_is_named(root, forgather):
    blob = root.store / "cas" / sha("code")
    os.remove(blob)
    blob.mkdir()
    (blob / "file").touch()
    done = forgather("store", "verify")
    assert done.status == 1 and f"{blob} (model:mini): it cannot be read" in done.out
    assert forgather("store", "verify", "--repair").status == 0
    assert not blob.exists()


# path


def test_path_of_a_task(root, forgather):
    assert forgather("store", "path", "model:mini").out == f"{root.root}/build/model/mini\n"
    assert forgather("store", "path", "train:mini").out == f"{root.root}/output_models/m\n"
    assert forgather("store", "path", "model:mini", "--key").out == f"{key('mini')}\n"
    found = json.loads(forgather("store", "path", "model:mini", "--format", "json").out)
    assert found["entry"] == str(root.store / "ac" / key("mini"))
    assert found["files"]["config.json"] == {
        "path": f"{root.root}/build/model/mini/config.json",
        "sha256": sha("{}"),
        "blob": str(root.store / "cas" / sha("{}")),
    }


def test_path_of_a_variant_in_any_spelling(root, forgather):
    entry = root.put("variant", {"a": "one"})
    root.record("model:mini@layers=6,lr=3e-4", entry, "build/variant")
    done = forgather("store", "path", "model:mini@lr=0.0003,layers=6")
    assert done.out == f"{root.root}/build/variant\n"


def test_path_of_the_beginning_of_a_digest(root, forgather):
    blob, entry = sha("code"), key("old")
    assert forgather("store", "path", blob[:8]).out == f"{root.store}/cas/{blob}\n"
    assert forgather("store", "path", entry[:8]).out == f"{root.store}/ac/{entry}\n"
    assert forgather("store", "path", entry[:8], "--key").out == f"{entry}\n"
    (root.store / "cas" / blob).unlink()
    assert forgather("store", "path", blob).out == f"{root.cache}/cas/{blob}\n"


@pytest.mark.parametrize(
    ("name", "status", "message", "hint"),
    [
        ("model:minni", 2, "no 'model:minni' has been built here", "did you mean 'model:mini'?"),
        ("0000", 2, "neither an entry nor a blob begins with '0000'", "--format json"),
        ("abcd", 2, "2 entries and blobs begin with 'abcd': abcd1, abcd2", "give more digits"),
        ("model:gone", 1, "config.json is not there any more", "doit model:gone"),
    ],
)
def test_what_is_not_to_be_found(root, forgather, name, status, message, hint):
    (root.store / "cas" / "abcd1").touch()
    (root.store / "ac" / "abcd2").touch()
    root.record("model:gone", root.put("gone", {"config.json": "{}"}))
    shutil.rmtree(root.root / "build/model/gone")
    done = forgather("store", "path", name)
    assert done.status == status
    assert "error[FG630]" in done.err and message in done.err and hint in done.err


# nothing there


@pytest.mark.parametrize("action", [["gc"], ["verify"], ["path", "model:x"], ["du"]])
def test_where_nothing_was_built(nothing, forgather, action):
    done = forgather("store", *action)
    assert done.status == 1
    assert "error[FG633]" in done.err and str(nothing / "build") in done.err
    assert not (nothing / "build").exists(), "looking makes nothing"


@pytest.mark.parametrize("action", ["gc", "verify"])
def test_where_there_is_no_cache(nothing, forgather, action, monkeypatch):
    for value in (os.environ["FORGATHER_CACHE_DIR"], "off"):
        monkeypatch.setenv("FORGATHER_CACHE_DIR", value)
        done = forgather("store", action, "--cache")
        assert done.status == 2 and "error[FG631]" in done.err


# amounts


def test_amounts():
    assert parse_size("500M", "-s", "X") == 500 << 20
    assert parse_size("1.5g", "-s", "X") == 3 << 29
    assert parse_size("17", "-s", "X") == 17
    assert parse_age("36h", "-a", "X") == 1.5 * DAY
    assert parse_age("8w", "-a", "X") == 56 * DAY
    assert [show_size(size) for size in (0, 1023, 1024, 3 << 29)] == [
        "0 B",
        "1023 B",
        "1.0 kB",
        "1.5 GB",
    ]


@pytest.mark.parametrize("text", ["", "d", "1", "1y", "1e3d", "-1d", "1 d d"])
def test_an_age_that_is_none(text):
    with pytest.raises(UsageError) as caught:
        parse_age(text, "--age", "FG631")
    assert caught.value.code == "FG631" and "12h" in caught.value.hint


def test_counts_for_people():
    assert show_counts(1, 1) == "1 entry and 1 blob"
    assert show_counts(0, 2) == "0 entries and 2 blobs"
