"""What a watch sees of files: changes of any kind, and nothing that editors leave beside them."""

import os
import time

import pytest

from forgather.make import probes
from forgather.make.probes import (
    SETTLED_SECONDS,
    Probe,
    collecting,
    note_absent,
    note_environment,
    note_file,
    note_listing,
)
from forgather.make.watching.lookout import Lookout, Places, has_changed, snapshot


@pytest.fixture
def lookout(tmp_path):
    """A lookout for a file, a folder, and a file that is not there."""
    file = tmp_path / "seen.yaml"
    file.write_text("a: 1\n")
    (tmp_path / "folder").mkdir()
    time.sleep(SETTLED_SECONDS * 1.2)
    with collecting() as group:
        note_file(str(file), os.stat(file))
        note_listing(tmp_path / "folder")
        note_absent(str(tmp_path / "folder" / "missing.yaml"))
        note_environment("HOME")
    found = Lookout.of(group.items)
    assert len(found.probes) == 3 and found.is_quiet()
    return found


def test_a_file_that_changes(lookout, tmp_path):
    (tmp_path / "seen.yaml").write_text("a: 2\n")
    assert not lookout.is_quiet()


def test_a_file_that_is_gone(lookout, tmp_path):
    (tmp_path / "seen.yaml").unlink()
    assert not lookout.is_quiet()


def test_a_file_that_appears_where_none_was(lookout, tmp_path):
    (tmp_path / "folder" / "missing.yaml").write_text("")
    assert not lookout.is_quiet()


def test_own_code_is_looked_at_when_everything_is(tmp_path):
    own = Probe("file", os.path.abspath(probes.__file__), "another signature")
    lookout = Lookout.of([own])
    assert lookout.is_quiet(everything=False) and not lookout.is_quiet()


def test_places_are_every_source_file_in_folders_and_the_named_ones(tmp_path):
    for name in ("a.yaml", "sub/b.py", "build/out.yaml", "output_models/x", ".hidden", "c.yaml~"):
        path = tmp_path / "top" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    named = tmp_path / "named.txt"
    places = Places((str(tmp_path / "top"),), (str(named),))
    seen = snapshot(places)
    assert {os.path.relpath(path, tmp_path) for path in seen} == {
        "top/a.yaml",
        "top/sub/b.py",
        "named.txt",
    }
    assert seen[str(named)] == ""
    lookout = Lookout.of((), places, seen)
    assert lookout.is_quiet()
    for change in (
        lambda: named.write_text("now it is there"),
        lambda: (tmp_path / "top" / "new.yaml").write_text(""),
        lambda: (tmp_path / "top" / "a.yaml").unlink(),
    ):
        before = snapshot(places)
        change()
        assert not Lookout.of((), places, before).is_quiet()


def test_a_glimpse_changes_while_something_is_written(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("1")
    lookout = Lookout.of((), Places((str(tmp_path),)), {})
    before = lookout.glimpse()
    assert lookout.glimpse() == before
    file.write_text("1, and more")
    assert lookout.glimpse() != before


def test_what_changed_between_two_snapshots(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / "a.yaml").write_text("1")
    before = snapshot(Places((str(old),)))
    more = Places((str(old), str(new)))
    now = os.stat(new / "a.yaml").st_ctime_ns

    def changed(since: int = now) -> bool:
        return has_changed(before, snapshot(more), since)

    assert not changed() and changed(since=now - 1)  # of new/a.yaml only its time is known
    (old / "a.yaml").write_text("22")
    os.utime(old / "a.yaml", (0, 0))
    assert changed()
    (old / "a.yaml").unlink()
    assert changed()
