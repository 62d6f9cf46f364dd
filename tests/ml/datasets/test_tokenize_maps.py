"""The map functions; the cases of `block_tokenize_fn` are those that packing tools get wrong."""

from __future__ import annotations

import pytest

from forgather.errors import DataError
from forgather.ml.datasets import block_tokenize_fn, default_tokenize_map_fn

B, E = 0, 1


def blocks(letters, texts, **arguments):
    arguments = {"max_length": 8, **arguments}
    rows = block_tokenize_fn({"text": texts}, letters, "text", **arguments)
    return list(zip(rows["input_ids"], rows["document_starts"], strict=True))


def test_one_bos_for_each_document(letters):
    assert blocks(letters, ["abc", "de", "f"]) == [
        ([B, 10, 11, 12, E], [0]),
        ([B, 13, 14, E], [0]),
        ([B, 15, E], [0]),
    ]


def test_without_bos(letters):
    assert blocks(letters, ["abc", "de"], add_bos=False) == [
        ([10, 11, 12, E], [0]),
        ([13, 14, E], [0]),
    ]


def test_packed_documents_run_on_without_a_second_bos(letters):
    assert blocks(letters, ["abc", "de", "f"], packed=True) == [
        ([B, 10, 11, 12, E, B, 13, 14], [0, 5]),
        ([E, B, 15, E], [0, 1]),
    ]


def test_a_continued_document_has_a_start(letters):
    assert blocks(letters, ["abcdefghij", "xy"], packed=True) == [
        ([B, 10, 11, 12, 13, 14, 15, 16], [0]),
        ([17, 18, 19, E, B, 33, 34, E], [0, 4]),
    ]


def test_a_document_that_fits_exactly_is_one_block(letters):
    assert blocks(letters, ["abcdef"]) == [([B, 10, 11, 12, 13, 14, 15, E], [0])]


def test_packed_without_overflow_still_packs(letters):
    assert blocks(letters, ["abcdefghij", "ab", "c"], packed=True, overflow=False) == [
        ([B, 10, 11, 12, 13, 14, 15, 16], [0]),
        ([B, 10, 11, E, B, 12, E], [0, 4]),
    ]


def test_best_fit(letters):
    found = blocks(letters, ["abcdefghij", "ab", "cd"], packed=True, packing_strategy="best_fit")
    assert found == [
        ([B, 10, 11, 12, 13, 14, 15, 16], [0]),
        ([17, 18, 19, E, B, 10, 11, E], [0, 4]),
        ([B, 12, 13, E], [0]),
    ]


def test_stride_repeats(letters):
    assert blocks(letters, ["abcdefghij"], stride=2) == [
        ([B, 10, 11, 12, 13, 14, 15, 16], [0]),
        ([15, 16, 17, 18, 19, E], [0]),
    ]


def test_documents_by_length_bos_and_eos_not_counted(letters):
    texts = ["", "a", "ab", "abc"]
    assert [ids for ids, _ in blocks(letters, texts)] == [
        [B, 10, E],
        [B, 10, 11, E],
        [B, 10, 11, 12, E],
    ]
    assert [ids for ids, _ in blocks(letters, texts, min_len=2, max_len=2)] == [[B, 10, 11, E]]


def test_truncate_at_cuts_at_the_first_match(letters):
    found = blocks(letters, ["abxcd", "xab", "ab"], truncate_at="(x)")
    assert [ids for ids, _ in found] == [[B, 10, 11, E], [B, 10, 11, E]]


def test_shuffle_output_is_the_same_for_a_seed(letters):
    texts = [chr(ord("a") + n) for n in range(20)]
    plain = blocks(letters, texts)
    shuffled = blocks(letters, texts, shuffle_output=True, seed=3)
    assert shuffled != plain and sorted(shuffled) == plain
    assert blocks(letters, texts, shuffle_output=True, seed=3) == shuffled
    assert blocks(letters, texts, shuffle_output=True, seed=4) != shuffled


def test_no_documents_no_blocks(letters):
    assert blocks(letters, []) == []


def test_default_map_keeps_one_row_for_each_document(letters):
    batch = {"text": ["abc", ""]}
    assert default_tokenize_map_fn(batch, letters)["input_ids"] == [[B, 10, 11, 12], [B]]
    rows = default_tokenize_map_fn(batch, letters, add_bos=True, add_eos=True)
    assert rows["input_ids"] == [[B, 10, 11, 12, E], [B, E]]  # no second BOS
    rows = default_tokenize_map_fn(batch, letters, add_eos=True, truncation=True, max_length=3)
    assert rows["input_ids"] == [[B, 10, 11], [B, E]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"truncate_at": "("}, "truncate_at is not a regular expression"),
        ({"feature": "txet"}, "no column 'txet'"),
    ],
)
def test_wrong_settings_are_refused(letters, arguments, message):
    with pytest.raises(DataError, match=message):
        block_tokenize_fn({"text": ["a"]}, letters, **{"feature": "text", **arguments})


def test_a_tokenizer_without_bos_is_refused_with_what_to_do(letters):
    letters.bos_token_id = None
    with pytest.raises(DataError, match="no BOS token") as caught:
        blocks(letters, ["a"])
    assert "add_bos=False" in caught.value.hint
    assert blocks(letters, ["a"], add_bos=False) == [([10, E], [0])]
