from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forgather.errors import DataError
from forgather.ml.datasets import TokenDataset, collect_inputs, write_token_dataset

ROWS = [
    {"input_ids": [5, 6, 7], "document_starts": [0, 2]},
    {"input_ids": [8], "document_starts": [0]},
    {"input_ids": [9, 10], "document_starts": [0]},
]


def plain(dataset) -> list[dict]:
    return [{name: list(value) for name, value in dataset[i].items()} for i in range(len(dataset))]


def test_what_is_written_is_read(tmp_path):
    directory = write_token_dataset(ROWS, tmp_path / "d")
    dataset = TokenDataset(directory)
    assert plain(dataset) == ROWS
    assert dataset.num_tokens == 6
    assert dataset.manifest["dtype"] == "<u2" and dataset.manifest["longest_block"] == 3
    assert dataset[-1]["input_ids"].tolist() == [9, 10]
    assert dataset[0]["input_ids"].dtype == np.int64
    dataset.verify()
    with pytest.raises(IndexError):
        dataset[3]


blocks = st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=8)


@settings(deadline=None, max_examples=40)
@given(blocks)
def test_any_tokens_come_back(tmp_path_factory, tokens):
    rows = [{"input_ids": row} for row in tokens]
    dataset = TokenDataset(write_token_dataset(rows, tmp_path_factory.mktemp("d") / "x"))
    assert plain(dataset) == rows


def test_a_large_token_widens_what_was_written_before(tmp_path):
    rows = [{"input_ids": [1, 2]}, {"input_ids": [65_536]}, {"input_ids": [3]}]
    dataset = TokenDataset(write_token_dataset(rows, tmp_path / "d"))
    assert dataset.manifest["dtype"] == "<u4" and plain(dataset) == rows
    assert not (tmp_path / "d" / "tokens.narrow").exists()


def test_a_stream_is_written_row_by_row(tmp_path):
    dataset = TokenDataset(write_token_dataset((row for row in ROWS), tmp_path / "d"))
    assert plain(dataset) == ROWS


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in "ab":
        write_token_dataset(ROWS, tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_it_travels_to_a_worker(tmp_path):
    dataset = TokenDataset(write_token_dataset(ROWS, tmp_path / "d"))
    sent = pickle.dumps(dataset)
    assert len(sent) < 3000 and plain(pickle.loads(sent)) == ROWS


def test_opening_is_reported_as_an_input(tmp_path):
    write_token_dataset(ROWS, tmp_path / "d")
    with collect_inputs() as inputs:
        TokenDataset(tmp_path / "d")
    assert set(inputs.files) == {str(tmp_path / "d" / "manifest.json")}


def test_an_empty_directory_is_filled_and_a_filled_one_is_refused(tmp_path):
    (tmp_path / "d").mkdir()
    write_token_dataset(ROWS, tmp_path / "d")
    with pytest.raises(DataError, match="exists already and is not empty"):
        write_token_dataset(ROWS[:1], tmp_path / "d")
    assert plain(TokenDataset(tmp_path / "d")) == ROWS


def test_a_failure_half_way_leaves_nothing(tmp_path):
    def rows():
        yield ROWS[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_token_dataset(rows(), tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"input_ids": [-1], "document_starts": [0]}, "row 1: a token id is negative"),
        ({"input_ids": [2**32], "document_starts": [0]}, "larger than 32 bits"),
        ({"input_ids": [[1]], "document_starts": [0]}, "a flat list of integers"),
        ({"input_ids": [0.5], "document_starts": [0]}, "a flat list of integers"),
        ({"input_ids": [1]}, "in all rows or in none"),
    ],
)
def test_rows_that_cannot_be_stored_are_named(tmp_path, row, message):
    with pytest.raises(DataError, match=message):
        write_token_dataset([ROWS[0], row], tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_dataset(tmp_path):
    with pytest.raises(DataError, match="no token dataset in"):
        TokenDataset(tmp_path)


@pytest.mark.parametrize("name", ["tokens.bin", "blocks.bin", "starts.bin"])
def test_a_truncated_file_is_noticed_when_opened(tmp_path, name):
    path = write_token_dataset(ROWS, tmp_path / "d") / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"{name} is damaged"):
        TokenDataset(tmp_path / "d")


def test_a_flipped_bit_is_noticed_by_verify(tmp_path):
    path = write_token_dataset(ROWS, tmp_path / "d") / "tokens.bin"
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="its content is not what was written"):
        TokenDataset(tmp_path / "d").verify()


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}'])
def test_a_damaged_manifest(tmp_path, text):
    (write_token_dataset(ROWS, tmp_path / "d") / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="damaged"):
        TokenDataset(tmp_path / "d")


def test_a_newer_schema_is_refused(tmp_path):
    path = write_token_dataset(ROWS, tmp_path / "d") / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    with pytest.raises(DataError, match="has schema 99"):
        TokenDataset(tmp_path / "d")
