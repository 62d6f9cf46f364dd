from __future__ import annotations

import logging
import os
import sysconfig

import pytest

from forgather.errors import DataError
from forgather.ml.datasets import LocalText, collect_inputs


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "b.txt").write_text("second\n")
    (tmp_path / "a.txt").write_text("first\n")
    (tmp_path / "sub" / "c.md").write_text("third\n")
    (tmp_path / "sub" / "deep" / "d.txt").write_text("fourth\n")
    (tmp_path / ".hidden.txt").write_text("hidden\n")
    (tmp_path / "blank.txt").write_text(" \n\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0\0\0")
    return tmp_path


def texts(*args, **kwargs) -> list[str]:
    return [row["text"] for row in LocalText(*args, **kwargs)]


def test_a_folder_gives_a_document_for_each_text_file_by_name(folder):
    dataset = LocalText(folder)
    rows = list(dataset)
    assert [row["source"] for row in rows] == ["a.txt", "b.txt", "sub/c.md", "sub/deep/d.txt"]
    assert rows[0]["text"] == "first\n"
    assert dataset.report.binary == ["picture.png"]
    assert list(dataset) == rows  # a second pass is the same


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["first\n", "second\n"]),
        ("**/*.txt", ["first\n", "second\n", "fourth\n"]),
        ("sub/*", ["third\n"]),
        ("**/[cd].*", ["third\n", "fourth\n"]),
        ("**/[!cd].txt", ["first\n", "second\n"]),
        ("?.txt", ["first\n", "second\n"]),
        (["*.md", "**/d.txt"], ["fourth\n"]),
    ],
)
def test_patterns(folder, pattern, expected):
    assert texts(folder, pattern=pattern) == expected


def test_exclude_leaves_out_files_and_folders(folder):
    assert texts(folder, exclude=["sub/deep", "a.*"]) == ["second\n", "third\n"]


def test_a_glob(folder):
    assert texts(f"{folder}/*/c.*") == ["third\n"]
    assert texts(f"{folder}/**/*.txt") == ["first\n", "second\n", "fourth\n"]


def test_one_file(folder):
    assert list(LocalText(folder / "a.txt")) == [{"text": "first\n", "source": "a.txt"}]


def test_links_in_circles_are_not_followed(folder):
    (folder / "sub" / "loop").symlink_to(folder)
    assert len(texts(folder)) == 4


def test_a_separator_cuts_documents(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text("one\n\n\ntwo\n\nthree\n\n")
    assert texts(path, separator=r"\n{2,}") == ["one", "two", "three"]


def test_a_separator_is_found_across_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("forgather.ml.datasets.text_files.PIECE_BYTES", 3)
    path = tmp_path / "book.txt"
    documents = [f"document {n}" for n in range(20)]
    path.write_text("\n---\n".join(documents))
    assert texts(path, separator=r"\n-+\n") == documents


def test_long_documents_are_cut_at_line_ends(tmp_path):
    path = tmp_path / "long.txt"
    lines = [f"line {n}\n" for n in range(100)]
    path.write_text("".join(lines))
    found = texts(path, max_chars=50)
    assert "".join(found) == "".join(lines)
    assert all(len(text) <= 50 and text.endswith("\n") for text in found)


def test_a_line_longer_than_the_limit_is_cut_anywhere(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("x" * 25)
    assert texts(path, max_chars=10) == ["x" * 10, "x" * 10, "x" * 5]


def test_a_separator_that_never_matches_does_not_hold_the_file_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("forgather.ml.datasets.text_files.PIECE_BYTES", 1000)
    path = tmp_path / "long.txt"
    path.write_text("word\n" * 10_000)
    found = texts(path, separator="@@@", max_chars=100)
    assert "".join(found) == "word\n" * 10_000 and max(map(len, found)) <= 100


def test_documents_that_are_not_utf8_are_skipped_and_counted(folder, caplog):
    (folder / "latin.txt").write_bytes("caf\xe9\n".encode("latin-1"))
    dataset = LocalText(folder, pattern="*.txt")
    with caplog.at_level(logging.WARNING):
        assert [row["text"] for row in dataset] == ["first\n", "second\n"]
    assert dataset.report.undecodable == ["latin.txt"]
    assert "1 documents are not valid utf-8" in caplog.text


def test_only_the_bad_document_of_a_file_is_skipped(tmp_path):
    (tmp_path / "mixed.txt").write_bytes(b"good\n\nb\xe9d\n\nfine")
    assert texts(tmp_path / "mixed.txt", separator="\n\n") == ["good", "fine"]


@pytest.mark.parametrize(("errors", "expected"), [("replace", "caf\ufffd\n"), ("ignore", "caf\n")])
def test_other_ways_with_bad_bytes(tmp_path, errors, expected):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    assert texts(tmp_path / "latin.txt", errors=errors) == [expected]
    assert texts(tmp_path / "latin.txt", encoding="latin-1") == ["café\n"]


def test_strict_names_the_file(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(DataError, match=r"latin\.txt is not valid utf-8"):
        texts(tmp_path, errors="strict")


@pytest.mark.parametrize("files", [5, 80])
def test_the_splits_are_disjoint_and_complete(tmp_path, files):
    for number in range(files):
        (tmp_path / f"{number}.txt").write_text("".join(f"{number} {n}\n" for n in range(60)))
    arguments = {"max_chars": 50, "validation_fraction": 0.3}
    train = list(LocalText(tmp_path, split="train", **arguments))
    validation = list(LocalText(tmp_path, split="validation", **arguments))
    everything = list(LocalText(tmp_path, **arguments))
    key = lambda row: row["text"]  # noqa: E731
    assert sorted(train + validation, key=key) == sorted(everything, key=key)
    assert 0.1 < len(validation) / len(everything) < 0.5
    shared = {row["source"] for row in train} & {row["source"] for row in validation}
    assert bool(shared) == (files < 50)  # many files are split by file, few by document


def test_the_split_of_a_document_does_not_depend_on_the_others(tmp_path):
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
    before = {row["source"] for row in LocalText(tmp_path, split="validation")}
    (tmp_path / "00.txt").write_text("new")
    after = {row["source"] for row in LocalText(tmp_path, split="validation")}
    assert before == after - {"00.txt"}


def test_what_was_read_and_listed_is_reported(folder):
    with collect_inputs() as inputs:
        list(LocalText(folder, pattern="*.txt", exclude=["b.*"]))
    assert str(folder / "a.txt") in inputs.files and str(folder / "b.txt") not in inputs.files
    (listing,) = inputs.listings
    assert (listing.root, listing.pattern) == (str(folder), "*.txt|!b.*")
    assert listing.files == ("a.txt", "blank.txt")


def test_a_missing_path_is_named_with_what_to_do(tmp_path):
    (tmp_path / "stories").mkdir()
    with pytest.raises(DataError, match=r"no such file or folder: .*/storys") as caught:
        LocalText(tmp_path / "storys")
    assert "did you mean 'stories'?" in caught.value.hint
    with pytest.raises(DataError, match="no such file or folder"):
        LocalText(tmp_path / "nothing" / "*.txt")


def test_nothing_to_read_is_an_error(tmp_path, folder):
    with pytest.raises(DataError, match=r"no files match \*\*/\*\.rst"):
        LocalText(folder, pattern="**/*.rst")
    (tmp_path / "only.bin").write_bytes(b"\0" * 10)
    with pytest.raises(DataError, match="1 binary files"):
        texts(tmp_path / "only.bin")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(folder):
    (folder / "a.txt").chmod(0)
    with pytest.raises(DataError, match=r"cannot read .*a\.txt"):
        texts(folder)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"split": "valid"}, "split='valid' is not known"),
        ({"errors": "skipp"}, "errors='skipp' is not known"),
        ({"separator": "("}, "not a regular expression"),
        ({"max_chars": 0}, "max_chars must be"),
        ({"validation_fraction": 1.5}, "validation_fraction must be"),
    ],
)
def test_wrong_settings_are_refused(folder, arguments, message):
    with pytest.raises(DataError, match=message):
        LocalText(folder, **arguments)


def test_an_unknown_encoding_is_refused(folder):
    with pytest.raises(DataError, match="unknown encoding 'utf-9'"):
        texts(folder, encoding="utf-9")


def test_the_standard_library_of_this_python_is_read():
    """Real input: sources and documentation as they come."""
    stdlib = sysconfig.get_path("stdlib")
    dataset = LocalText(stdlib, pattern="*.py", split="validation", max_chars=20_000)
    rows = list(dataset)
    assert len(rows) > 3 and not dataset.report.binary
    assert all(len(row["text"]) <= 20_000 for row in rows)
    (topics,) = LocalText(stdlib, pattern="pydoc_data/topics.py").files
    assert "assert" in next(iter(LocalText(topics[1])))["text"]
