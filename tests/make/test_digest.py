"""File digests: content is the truth, a stat only a hint."""

import os
import time

from forgather.make.digest import FileDigests, digest_json, hash_file, installed_versions


def settle(path):
    """Make a file look as if it had not been touched for a while (its ctime cannot be set)."""
    time.sleep(0.06)
    return path


def test_an_edit_that_keeps_date_and_size_is_seen(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one")
    os.utime(file, ns=(1, 1))
    digests = FileDigests(tmp_path / "db.sqlite")
    settle(file)
    before = digests(file)
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert digests(file) == hash_file(file) != before


def test_a_touch_changes_nothing(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("one")
    digests = FileDigests(tmp_path / "db.sqlite")
    before = digests(file)
    os.utime(file)
    assert digests(file) == before


def test_digests_survive_the_process(tmp_path):
    file = settle(tmp_path / "a.txt")
    file.write_text("one")
    settle(file)
    first = FileDigests(tmp_path / "db.sqlite")
    value = first(file)
    first.close()
    second = FileDigests(tmp_path / "db.sqlite")
    rows = second._db.execute("select sha256 from files").fetchall()
    assert rows == [(value,)]


def test_json_digests_ignore_key_order_but_not_kind():
    assert digest_json("a", {"x": 1, "y": 2}) == digest_json("a", {"y": 2, "x": 1})
    assert digest_json("a", {"x": 1}) != digest_json("b", {"x": 1})
    assert digest_json("a", [1]) != digest_json("a", ["1"])


def test_versions_come_from_folder_names(tmp_path):
    (tmp_path / "torch-2.13.0.dist-info").mkdir()
    (tmp_path / "some_thing-1.0.dist-info").mkdir()
    assert installed_versions(["torch", "some-thing", "other"], [str(tmp_path)]) == {
        "torch": "2.13.0",
        "some_thing": "1.0",
    }
