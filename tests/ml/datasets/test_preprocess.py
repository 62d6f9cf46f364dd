from __future__ import annotations

import pytest

from forgather.errors import DataError
from forgather.ml.datasets import block_tokenize_fn, preprocess_dataset

ROWS = [{"text": chr(ord("a") + n)} for n in range(20)]


class Stream:
    """Rows that can only be iterated."""

    def __iter__(self):
        return iter(ROWS)


def letters_of(dataset) -> str:
    return "".join(chr(int(row["input_ids"][1]) - 10 + ord("a")) for row in dataset)


@pytest.fixture
def preprocess(letters):
    def call(source, **arguments):
        arguments.setdefault("fn_kwargs", {"max_length": 8})
        return preprocess_dataset(source, letters, map_fn=block_tokenize_fn, **arguments)

    return call


@pytest.fixture(params=["list", "stream", "library"])
def source(request):
    if request.param == "library":
        library = pytest.importorskip("datasets")
        return library.Dataset.from_list(ROWS)
    return ROWS if request.param == "list" else Stream()


def test_every_kind_of_source_gives_the_same_rows(preprocess, source):
    dataset = preprocess(source)
    assert len(dataset) == 20
    assert letters_of(dataset) == "abcdefghijklmnopqrst"
    row = dataset[3]
    assert list(row["input_ids"]) == [0, 13, 1] and list(row["document_starts"]) == [0]


def test_select_range(preprocess, source):
    assert letters_of(preprocess(source, select_range="2:6")) == "cdef"


def test_shards_are_disjoint_and_complete(preprocess, source):
    shards = [
        letters_of(preprocess(source, shard_dataset={"num_shards": 3, "index": index}))
        for index in range(3)
    ]
    assert sorted("".join(shards)) == list("abcdefghijklmnopqrst")
    assert [len(shard) for shard in shards] == [7, 7, 6]


def test_shuffle_is_the_same_for_a_seed(preprocess, source):
    def run(seed: int) -> str:
        return letters_of(preprocess(source, shuffle=True, seed=seed))

    first = run(1)
    assert first != "abcdefghijklmnopqrst" and sorted(first) == list("abcdefghijklmnopqrst")
    assert run(1) == first and run(2) != first


def test_a_stream_is_shuffled_within_its_buffer(preprocess):
    found = letters_of(preprocess(Stream(), shuffle=True, shuffle_buffer_size=3))
    assert sorted(found) == list("abcdefghijklmnopqrst") and found != "".join(sorted(found))


def test_what_the_training_wants_goes_over_the_config(preprocess):
    dataset = preprocess(
        ROWS, fn_kwargs={"max_length": 8, "packed": True}, preprocess_args={"max_length": 60}
    )
    assert [len(row["input_ids"]) for row in dataset] == [60]
    assert dataset[0]["document_starts"] == list(range(0, 60, 3))


def test_batches_bound_what_is_packed_together(preprocess):
    dataset = preprocess(
        ROWS, fn_kwargs={"max_length": 60, "packed": True}, map_kwargs={"batch_size": 5}
    )
    assert [len(row["input_ids"]) for row in dataset] == [15] * 4


def test_a_range_of_a_stream_must_count_rows(preprocess):
    with pytest.raises(DataError, match="depends on the length"):
        preprocess(Stream(), select_range="10%")
    assert letters_of(preprocess(Stream(), select_range="10%", dataset_length=20)) == "ab"


def test_nothing_left_is_an_error(preprocess):
    with pytest.raises(DataError, match="no rows are left of train"):
        preprocess(ROWS, desc="train", fn_kwargs={"min_len": 2})


def test_options_of_the_library_are_refused_for_plain_sources(preprocess):
    with pytest.raises(DataError, match="datasets library only"):
        preprocess(ROWS, to_iterable=True)


def test_a_library_dataset_can_become_a_stream(preprocess):
    library = pytest.importorskip("datasets")
    dataset = preprocess(library.Dataset.from_list(ROWS), to_iterable=True, num_shards=4)
    assert letters_of(dataset) == "abcdefghijklmnopqrst"
    with pytest.raises(TypeError):
        len(dataset)


def test_a_library_stream(preprocess):
    library = pytest.importorskip("datasets")
    stream = library.Dataset.from_list(ROWS).to_iterable_dataset()
    assert letters_of(preprocess(stream, select_range="2:6")) == "cdef"
    with pytest.raises(DataError, match="with a step"):
        preprocess(stream, select_range="0:10:2")


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"input_ids": [[1]], "other": []}, "columns of different lengths"),
        ({"input_ids": [["a"]]}, "integers"),
    ],
)
def test_a_map_function_that_returns_nonsense_is_named(letters, result, message):
    with pytest.raises(DataError, match=message):
        preprocess_dataset(ROWS, letters, map_fn=lambda batch, **_: result)


def test_a_map_function_must_keep_its_columns(letters):
    def map_fn(batch, **_):
        name = "input_ids" if batch["text"][0] == "a" else "ids"
        return {name: [[1]]}

    with pytest.raises(DataError, match="returned the columns"):
        preprocess_dataset(ROWS, letters, map_fn=map_fn, map_kwargs={"batch_size": 5})


def test_rows_out_of_range(preprocess):
    dataset = preprocess(ROWS)
    assert list(dataset[-1]["input_ids"]) == [0, 29, 1]
    with pytest.raises(IndexError):
        dataset[20]
