"""Texts are kept by digest, found again wherever they are, and compared line by line."""

import subprocess

import pytest

from forgather.make.digest import digest_bytes
from forgather.make.storage.sources import LARGEST, Edit, Sources, edits

OLD, NEW = b"a: 1\n", b"a: 2\n"


@pytest.fixture
def sources(tmp_path):
    return Sources(tmp_path / "store", tmp_path / "shared")


def test_what_is_kept_is_read_when_the_file_has_moved_on(sources, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(OLD)
    sources.keep([(path, digest_bytes(OLD))])
    path.write_bytes(NEW)
    assert sources.read(digest_bytes(OLD), path) == OLD
    assert sources.read(digest_bytes(NEW), path) == NEW, "it stands there"
    assert sources.read(digest_bytes(b"never"), path) is None


def test_another_checkout_finds_it_in_the_shared_cache(sources, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(OLD)
    sources.keep([(path, digest_bytes(OLD))])
    path.unlink()
    assert Sources(tmp_path / "other", tmp_path / "shared").read(digest_bytes(OLD)) == OLD
    assert Sources(tmp_path / "other").read(digest_bytes(OLD)) is None


def test_a_file_that_is_not_what_was_read_is_not_kept(sources, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(NEW)
    sources.keep([(path, digest_bytes(OLD)), (tmp_path / "none", digest_bytes(b""))])
    assert sources.read(digest_bytes(OLD)) is None
    assert not list((tmp_path / "store").rglob("*"))


def test_large_files_are_not_kept(sources, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"x" * (LARGEST + 1))
    sources.keep([(path, digest_bytes(path.read_bytes()))])
    assert not (tmp_path / "store").exists()


def test_what_was_damaged_in_the_store_is_not_believed(sources, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(OLD)
    sources.keep([(path, digest_bytes(OLD))])
    for folder in sources.folders:
        (folder / digest_bytes(OLD)).write_bytes(NEW)
    path.unlink()
    assert sources.read(digest_bytes(OLD), path) is None


def test_git_is_asked_last_at_each_revision(sources, tmp_path):
    def git(*arguments):
        person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", "-C", str(tmp_path), *person, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    path = tmp_path / "below" / "a.yaml"
    path.parent.mkdir()
    path.write_bytes(OLD)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "old")
    first = git("rev-parse", "HEAD")
    path.write_bytes(NEW)
    assert sources.read(digest_bytes(OLD), path) == OLD, "it is in HEAD"
    git("rm", "-qf", "below/a.yaml")
    git("commit", "-qm", "gone")
    assert not path.parent.exists()
    assert sources.read(digest_bytes(OLD), path) is None
    assert sources.read(digest_bytes(OLD), path, (first,)) == OLD


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a\nb\nc", "a\nB\nc", [Edit(2, "b", "B")]),
        ("a\nb", "a\nx\nb", [Edit(2, None, "x")]),
        ("a\nx\nb", "a\nb", [Edit(2, "x", None)]),
        ("a\nb\nc", "A\nB\nC\nD", [Edit(1, "a", "A"), Edit(2, "b", "B"), Edit(3, "c", "C")]),
        ("a", "a\n", []),
    ],
)
def test_edits(old, new, expected):
    assert edits(old, new)[: len(expected)] == expected
    assert bool(edits(old, new)) == bool(expected)
