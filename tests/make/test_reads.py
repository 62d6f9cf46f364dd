"""Data that was read: new, changed and removed files are seen, and what is left out is not."""

from forgather.launch.reads import listing_digest
from forgather.make.digest import FileDigests, hash_file
from forgather.make.reads import moved_read


def test_a_listing_sees_new_files_but_not_those_left_out(tmp_path):
    (tmp_path / "packages").mkdir()
    (tmp_path / "a.txt").write_text("a")
    patterns = "**/*.txt|!packages"
    before = listing_digest(str(tmp_path), patterns)
    (tmp_path / "packages" / "b.txt").write_text("b")
    (tmp_path / "c.py").write_text("c")
    assert listing_digest(str(tmp_path), patterns) == before
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "d.txt").write_text("d")
    assert listing_digest(str(tmp_path), patterns) != before


def test_what_moved_is_named(tmp_path):
    digests = FileDigests(tmp_path / "db.sqlite")
    data = tmp_path / "data"
    data.mkdir()
    file = data / "a.txt"
    file.write_text("one")
    reads = [
        ["file", str(file), hash_file(file)],
        ["listing", str(data), "*.txt", listing_digest(str(data), "*.txt")],
    ]
    assert moved_read(reads, digests) is None
    (data / "b.txt").write_text("two")
    assert moved_read(reads, digests) == f"files were added to or removed from {data}"
    file.write_text("changed")
    assert moved_read(reads, digests) == f"data file {file} changed"
    file.unlink()
    assert moved_read(reads, digests) == f"data file {file} is missing"
