from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from forgather.errors import DataError
from forgather.ml.datasets import collect_inputs, load_corpus, write_corpus, write_story_corpus


@pytest.fixture
def story_corpus(tmp_path) -> Path:
    return Path(write_story_corpus(tmp_path, train=50, validation=5, test=5))


def test_the_splits_have_the_asked_sizes_and_share_nothing(story_corpus):
    texts = {
        split: {row["text"] for row in load_corpus(story_corpus, split)}
        for split in ("train", "validation", "test")
    }
    assert {split: len(found) for split, found in texts.items()} == {
        "train": 50,
        "validation": 5,
        "test": 5,
    }
    assert len(set.union(*texts.values())) == 60


def test_more_training_stories_leave_the_small_splits_as_they_are(tmp_path, story_corpus):
    larger = write_story_corpus(tmp_path, train=80, validation=5, test=5)
    assert larger != str(story_corpus)
    for split in ("validation.txt", "test.txt"):
        assert Path(larger, split).read_bytes() == (story_corpus / split).read_bytes()


def test_it_is_made_once(tmp_path, story_corpus):
    before = (story_corpus / "train.txt").stat()
    assert write_story_corpus(tmp_path, train=50, validation=5, test=5) == str(story_corpus)
    after = (story_corpus / "train.txt").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [entry.name for entry in tmp_path.iterdir()] == [story_corpus.name]


def test_another_place_gives_the_same_bytes(tmp_path, story_corpus):
    other = Path(write_story_corpus(tmp_path / "b", train=50, validation=5, test=5))
    assert other.name == story_corpus.name
    for file in story_corpus.iterdir():
        assert (other / file.name).read_bytes() == file.read_bytes()


def test_a_damaged_file_is_written_anew(tmp_path, story_corpus):
    good = (story_corpus / "train.txt").read_bytes()
    (story_corpus / "train.txt").write_bytes(good[:-100])
    write_story_corpus(tmp_path, train=50, validation=5, test=5)
    assert (story_corpus / "train.txt").read_bytes() == good


def test_the_manifest_tells_what_is_there(story_corpus):
    manifest = json.loads((story_corpus / "manifest.json").read_text())
    assert manifest["documents"] == {"train": 50, "validation": 5, "test": 5}
    assert set(manifest["files"]) == {"train.txt", "validation.txt", "test.txt"}


def test_documents_are_read_by_index_and_in_order(tmp_path):
    texts = ["one\ntwo", "a", "ünïcode"]
    corpus = load_corpus(write_corpus(tmp_path, {"train": texts}, name="c"))
    assert len(corpus) == 3
    assert [row["text"] for row in corpus] == texts
    assert corpus[-1] == {"text": "ünïcode"}
    assert pickle.loads(pickle.dumps(corpus))[1] == {"text": "a"}


@pytest.mark.parametrize("content", ["\n\na\n\n\n\nb\n\n", "a\n\nb", "a\n\n\nb\n"])
def test_any_number_of_blank_lines_keeps_documents_apart(tmp_path, content):
    (tmp_path / "train.txt").write_text(content)
    assert [row["text"] for row in load_corpus(tmp_path)] == ["a", "b"]


def test_an_empty_file_is_an_empty_corpus(tmp_path):
    (tmp_path / "train.txt").write_text("")
    assert len(load_corpus(tmp_path)) == 0


@pytest.mark.parametrize("document", ["a\n\nb", "", " a", "a\n"])
def test_a_document_that_could_not_be_read_back_is_refused(tmp_path, document):
    with pytest.raises(DataError, match="document 1 of split 'train'"):
        write_corpus(tmp_path, {"train": ["fine", document]}, name="c")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_split_names_those_that_exist(story_corpus):
    with pytest.raises(DataError, match="no split 'valid'") as caught:
        load_corpus(story_corpus, "valid")
    assert "test, train, validation" in caught.value.hint


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def no_space(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(OSError, match="No space"):
        write_corpus(tmp_path, {"train": ["a"]}, name="c")
    assert list(tmp_path.iterdir()) == []


def test_reading_is_reported(story_corpus):
    with collect_inputs() as outer, collect_inputs() as inner:
        load_corpus(story_corpus, "test")
    load_corpus(story_corpus, "train")
    assert set(outer.files) == set(inner.files) == {str(story_corpus / "test.txt")}
