"""The packing core: properties that hold for all documents, and the cases that used to go wrong."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forgather.errors import DataError
from forgather.ml.datasets.packing import STRATEGIES, Block, pack

BOS, EOS = -1, -2
MODES = [(False, "greedy"), *((True, name) for name in STRATEGIES)]

lengths = st.lists(st.integers(0, 40), max_size=30)
sizes = st.integers(1, 17)
modes = st.sampled_from(MODES)


def numbered(lengths: list[int]) -> list[list[int]]:
    """Documents in which every token is a different number, with BOS and EOS around it."""
    documents, token = [], 0
    for length in lengths:
        documents.append([BOS, *range(token, token + length), EOS])
        token += length
    return documents


def segments(blocks: list[Block]) -> list[list[int]]:
    found = []
    for block in blocks:
        bounds = [*block.document_starts, len(block.tokens)]
        found += [block.tokens[a:b] for a, b in itertools.pairwise(bounds)]
    return found


@settings(deadline=None, max_examples=200)
@given(lengths, sizes, modes)
def test_every_token_is_in_exactly_one_block(lengths, size, mode):
    documents = numbered(lengths)
    blocks = pack(documents, size, packed=mode[0], strategy=mode[1])
    packed = sorted(token for block in blocks for token in block.tokens)
    assert packed == sorted(token for document in documents for token in document)


@settings(deadline=None, max_examples=200)
@given(lengths, sizes, modes)
def test_blocks_are_full_of_segments_that_start_where_it_is_said(lengths, size, mode):
    documents = numbered(lengths)
    blocks = pack(documents, size, packed=mode[0], strategy=mode[1])
    for block in blocks:
        assert 1 <= len(block.tokens) <= size
        assert block.document_starts[0] == 0
        assert block.document_starts == sorted(set(block.document_starts))
    # Every segment is a run of one document, so a start is named wherever the document changes.
    followers = {}
    for document in documents:
        for token, after in itertools.pairwise(document):
            followers.setdefault(token, set()).add(after)
    for segment in segments(blocks):
        for token, after in itertools.pairwise(segment):
            assert after in followers[token]
            assert token != EOS and after != BOS


@settings(deadline=None, max_examples=100)
@given(lengths, sizes, modes)
def test_one_bos_for_each_document(lengths, size, mode):
    blocks = pack(numbered(lengths), size, packed=mode[0], strategy=mode[1])
    tokens = [token for block in blocks for token in block.tokens]
    assert tokens.count(BOS) == tokens.count(EOS) == len(lengths)


@settings(deadline=None, max_examples=100)
@given(lengths, sizes)
def test_greedy_leaves_no_room_but_in_the_last_block(lengths, size):
    blocks = pack(numbered(lengths), size)
    assert all(len(block.tokens) == size for block in blocks[:-1])
    tokens = [token for block in blocks for token in block.tokens]
    assert tokens == [token for document in numbered(lengths) for token in document]


@settings(deadline=None, max_examples=100)
@given(lengths, st.integers(2, 17), st.integers(0, 16), modes)
def test_a_stride_repeats_tokens_and_loses_none(lengths, size, stride, mode):
    documents = numbered(lengths)
    stride %= size
    blocks = pack(documents, size, packed=mode[0], strategy=mode[1], stride=stride)
    assert {t for b in blocks for t in b.tokens} == {t for d in documents for t in d}
    assert all(1 <= len(block.tokens) <= size for block in blocks)


@settings(deadline=None, max_examples=100)
@given(lengths, sizes, modes)
def test_without_overflow_each_document_is_one_segment(lengths, size, mode):
    documents = numbered(lengths)
    blocks = pack(documents, size, packed=mode[0], strategy=mode[1], overflow=False)
    expected = [document[:size] for document in documents]
    assert sorted(segments(blocks)) == sorted(expected)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 20), max_size=30))
def test_first_fit_takes_the_first_block_with_room(lengths):
    size = 20
    documents = [[n] * n for n in lengths]
    blocks = pack(documents, size, strategy="first_fit")
    rooms: list[int] = []
    for n in lengths:  # the same, the slow way
        place = next((i for i, room in enumerate(rooms) if room >= n), len(rooms))
        if place == len(rooms):
            rooms.append(size)
        rooms[place] -= n
    assert [size - len(block.tokens) for block in blocks] == rooms


def test_best_fit_fills_the_fullest_block_that_has_room():
    documents = [[n] * n for n in (3, 7, 5, 2, 3)]
    blocks = pack(documents, 10, strategy="best_fit")
    assert [sorted(set(block.tokens)) for block in blocks] == [[3, 7], [2, 3, 5]]


def test_a_continued_document_has_a_start():
    blocks = pack([list(range(10)), [20, 21]], 8)
    assert [b.tokens for b in blocks] == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9, 20, 21]]
    assert [b.document_starts for b in blocks] == [[0], [0, 2]]


def test_a_document_that_fits_exactly_leaves_no_block_behind():
    assert [b.tokens for b in pack([[1, 2, 3]], 3)] == [[1, 2, 3]]


def test_short_documents_share_a_block_without_overflow():
    blocks = pack([[1, 2], [3], [4, 5, 6]], 4, overflow=False)
    assert [b.tokens for b in blocks] == [[1, 2, 3], [4, 5, 6]]


def test_a_stride_gives_no_useless_last_block():
    blocks = pack([[1, 2, 3, 4, 5, 6]], 4, packed=False, stride=2)
    assert [b.tokens for b in blocks] == [[1, 2, 3, 4], [3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block_size": 0}, "too small"),
        ({"block_size": 4, "stride": 4}, "stride 4 does not fit"),
        ({"block_size": 4, "stride": -1}, "stride -1 does not fit"),
        ({"block_size": 4, "strategy": "best-fit"}, "unknown packing strategy"),
    ],
)
def test_wrong_settings_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        pack([[1]], **arguments)


def test_a_misspelled_strategy_gets_the_nearest_name():
    with pytest.raises(DataError) as caught:
        pack([[1]], 4, strategy="best_fitt")
    assert "best_fit" in caught.value.hint
