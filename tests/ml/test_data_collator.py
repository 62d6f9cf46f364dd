from __future__ import annotations

import pytest
import torch

from forgather.errors import DataError
from forgather.ml.data_collator import DataCollatorForCausalLM

torch.set_num_threads(1)
PAD, EOS = 2, 1


class Tokenizer:
    pad_token_id: int | None = PAD
    eos_token_id: int | None = EOS
    model_max_length = 16


def collate(rows, tokenizer=None, **settings):
    features = [{"input_ids": row} if isinstance(row, list) else row for row in rows]
    return DataCollatorForCausalLM(tokenizer or Tokenizer(), **settings)(features)


def as_lists(batch):
    return {name: tensor.tolist() for name, tensor in batch.items()}


def test_rows_are_padded_to_the_longest():
    assert as_lists(collate([[5, 6, 7], [8]])) == {
        "input_ids": [[5, 6, 7], [8, PAD, PAD]],
        "labels": [[5, 6, 7], [8, -100, -100]],
        "attention_mask": [[1, 1, 1], [1, 0, 0]],
    }


def test_without_padding_there_is_no_mask():
    assert as_lists(collate([[5, 6], [7, 8]])) == {
        "input_ids": [[5, 6], [7, 8]],
        "labels": [[5, 6], [7, 8]],
    }


def test_an_eos_is_learned_where_it_is_the_padding_too():
    tokenizer = Tokenizer()
    tokenizer.pad_token_id = None
    batch = collate([[5, EOS], [6, 7, 8, EOS]], tokenizer)
    assert batch["input_ids"].tolist()[0] == [5, EOS, EOS, EOS]
    assert batch["labels"].tolist()[0] == [5, EOS, -100, -100]


def test_packed_rows_get_positions_and_do_not_predict_over_a_border():
    row = {"input_ids": [0, 5, 1, 0, 6, 7, 1], "document_starts": [0, 3]}
    assert as_lists(collate([row])) == {
        "input_ids": [[0, 5, 1, 0, 6, 7, 1]],
        "labels": [[-100, 5, 1, -100, 6, 7, 1]],
        "position_ids": [[0, 1, 2, 0, 1, 2, 3]],
    }


def test_padding_of_a_packed_row_is_a_document_of_its_own():
    rows = [
        {"input_ids": [0, 5, 6, 7], "document_starts": [0, 2]},
        {"input_ids": [0, 5], "document_starts": [0]},
    ]
    batch = collate(rows)
    assert batch["position_ids"].tolist() == [[0, 1, 0, 1], [0, 1, 0, 1]]
    assert batch["labels"].tolist() == [[-100, 5, -100, 7], [-100, 5, -100, -100]]
    assert "attention_mask" not in batch


def test_a_row_whose_first_segment_has_no_start_still_starts_at_zero():
    batch = collate([{"input_ids": [5, 6, 0, 7], "document_starts": [2]}])
    assert batch["position_ids"].tolist() == [[0, 1, 0, 1]]


def test_eos_ends_documents_where_starts_are_missing():
    batch = collate([[0, 5, EOS, 0, 6, EOS]], packed_sequences=True)
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2]]


def test_starts_may_be_ignored():
    batch = collate([{"input_ids": [5, 6], "document_starts": [0, 1]}], packed_sequences=False)
    assert as_lists(batch) == {"input_ids": [[5, 6]], "labels": [[5, 6]]}


@pytest.mark.parametrize("packed", [True, False])
def test_fixed_shapes(packed):
    for rows in ([[5]], [[5, 6, 7], [8]]):
        batch = collate(rows, padding="max_length", max_length=8, packed_sequences=packed)
        assert {tensor.shape for tensor in batch.values()} == {(len(rows), 8)}
        assert all(tensor.dtype == torch.long for tensor in batch.values())


def test_padding_to_a_multiple():
    assert collate([[5, 6, 7]], pad_to_multiple_of=4)["input_ids"].tolist() == [[5, 6, 7, PAD]]
    assert collate([[5, 6, 7, 8]], pad_to_multiple_of=4)["input_ids"].shape == (1, 4)


def test_truncation_cuts_starts_too():
    row = {"input_ids": [0, 5, 0, 6, 0, 7], "document_starts": [0, 2, 4]}
    batch = collate([row], truncation=True, max_length=3)
    assert batch["position_ids"].tolist() == [[0, 1, 0]]


def test_tensors_and_arrays_are_rows_too():
    numpy = pytest.importorskip("numpy")
    batch = collate([{"input_ids": numpy.array([5, 6])}, {"input_ids": torch.tensor([7])}])
    assert batch["input_ids"].tolist() == [[5, 6], [7, PAD]]


def test_labels_under_another_name_or_apart():
    assert set(collate([[5]], labels_name="targets")) == {"input_ids", "targets"}
    inputs, labels = collate([[5]], labels_name=None)
    assert set(inputs) == {"input_ids"} and labels.tolist() == [[5]]


def test_another_ignore_index_and_input_name():
    batch = collate([{"ids": [5]}, {"ids": [6, 7]}], input_name="ids", ignore_index=-1)
    assert batch["labels"].tolist() == [[5, -1], [6, 7]] and "ids" in batch


def test_the_dataset_is_not_changed():
    row = {"input_ids": torch.tensor([5, 6]), "document_starts": [0]}
    collate([row])
    assert row["input_ids"].tolist() == [5, 6] and row["document_starts"] == [0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_length": 17}, "more than the 16 tokens"),
        ({"padding": "max_length"}, "needs max_length"),
        ({"truncation": True}, "needs max_length"),
        ({"padding": "longst"}, "unknown padding 'longst'"),
        ({"pad_to_multiple_of": 0}, "pad_to_multiple_of must be"),
        ({"max_length": 2}, "a row has 3 tokens, and max_length is 2"),
        ({"padding": False}, "cannot be one batch unpadded"),
        ({"input_name": "ids"}, "has no 'ids'"),
    ],
)
def test_what_cannot_be_done_is_refused(settings, message):
    with pytest.raises(DataError, match=message):
        collate([[5, 6, 7], [8]], **settings)


def test_a_tokenizer_without_padding_is_refused():
    tokenizer = Tokenizer()
    tokenizer.pad_token_id = tokenizer.eos_token_id = None
    with pytest.raises(DataError, match="neither a PAD nor an EOS token"):
        collate([[5]], tokenizer)
