"""Makes a batch for causal language modelling: rows of token ids in, padded tensors out.

::

    collator = DataCollatorForCausalLM(tokenizer, max_length=512, padding="max_length")
    batch = collator([{"input_ids": [...], "document_starts": [0, 17]}, ...])

Two kinds of batch:

- *one document per row*: ``input_ids``, ``labels``, and ``attention_mask`` where rows were padded;
- *packed* (rows come with ``document_starts``): ``input_ids``, ``labels`` and ``position_ids``, which
  begin again at 0 with every document, so that a model can keep attention inside it. There is no
  ``attention_mask``: padding is at the end, and counts as one more document of its own.

``labels`` are the input ids, not shifted (models shift), with ``ignore_index`` where nothing is to be
predicted: on padding, and on the first token of each document of a packed row, which would be
predicted from the document before it. Padding is known by its place and never by its id, so a real
EOS is learned also where the tokenizer pads with EOS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from forgather.errors import DataError, did_you_mean

PADDING = ("longest", "max_length", "none")
Row = Mapping[str, Any]


class DataCollatorForCausalLM:
    """See the module; settings:

    padding: "longest" (True) pads to the longest row, "max_length" to ``max_length`` (one shape for
        all batches), "none" (False) accepts rows of one length only.
    pad_to_multiple_of: rounds the length up, for "longest".
    truncation: cut rows longer than ``max_length``; without it they are an error.
    packed_sequences: None looks for ``document_starts``; True wants them, or, where a row has none,
        takes EOS as the end of each document; False ignores them.
    labels_name: the key of the labels; None returns ``(inputs, labels)``.
    """

    def __init__(
        self,
        tokenizer: Any,
        truncation: bool = False,
        ignore_index: int = -100,
        input_name: str = "input_ids",
        labels_name: str | None = "labels",
        packed_sequences: bool | None = None,
        *,
        padding: str | bool = "longest",
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
    ) -> None:
        self.ignore_index = ignore_index
        self.input_name = input_name
        self.labels_name = labels_name
        self.packed_sequences = packed_sequences
        self.truncation = truncation
        self.padding = _padding(padding)
        self.max_length = max_length
        self.pad_to_multiple_of = pad_to_multiple_of
        self.pad_token_id = _pad_token_id(tokenizer)
        self.eos_token_id: int | None = tokenizer.eos_token_id
        self._check(tokenizer)

    def _check(self, tokenizer: Any) -> None:
        if self.max_length is None:
            if self.padding == "max_length" or self.truncation:
                raise DataError("the data collator needs max_length to pad or truncate to it")
        elif self.max_length > tokenizer.model_max_length:
            raise DataError(
                f"max_length {self.max_length} is more than the {tokenizer.model_max_length} tokens "
                "that the tokenizer allows",
                hint="lower max_length, or raise model_max_length of the tokenizer",
            )
        if self.pad_to_multiple_of is not None and self.pad_to_multiple_of < 1:
            raise DataError(f"pad_to_multiple_of must be 1 or more, not {self.pad_to_multiple_of}")

    def __call__(self, features: Sequence[Row]) -> dict[str, Tensor] | tuple[Any, Tensor]:
        rows = [self._tokens(feature) for feature in features]
        lengths = [len(row) for row in rows]
        length = self._batch_length(max(lengths))
        is_padded = any(n < length for n in lengths)
        if is_padded and self.padding == "none":
            raise DataError(
                f"rows of {min(lengths)} to {max(lengths)} tokens cannot be one batch unpadded",
                hint='set padding of the data collator to "longest" or "max_length"',
            )
        input_ids = torch.full((len(rows), length), self.pad_token_id)  # (B, T)
        labels = torch.full((len(rows), length), self.ignore_index)  # (B, T)
        for index, row in enumerate(rows):
            input_ids[index, : len(row)] = row
            labels[index, : len(row)] = row
        batch = {self.input_name: input_ids}
        if self._is_packed(features):
            starts = [self._starts(*pair) for pair in zip(features, rows, strict=True)]
            batch["position_ids"] = _position_ids(starts, lengths, length)
            for index, row_starts in enumerate(starts):
                labels[index, row_starts] = self.ignore_index
        elif is_padded:
            batch["attention_mask"] = _attention_mask(lengths, length)
        if self.labels_name is None:
            return batch, labels
        return batch | {self.labels_name: labels}

    def _tokens(self, feature: Row) -> Tensor:
        if self.input_name not in feature:
            raise DataError(
                f"a row of the dataset has no {self.input_name!r}",
                hint=did_you_mean(self.input_name, list(feature)),
            )
        row = torch.as_tensor(feature[self.input_name], dtype=torch.long)
        if self.max_length is not None and len(row) > self.max_length:
            if not self.truncation:
                raise DataError(
                    f"a row has {len(row)} tokens, and max_length is {self.max_length}",
                    hint="prepare the dataset with the same max_length, or set truncation",
                )
            row = row[: self.max_length]
        return row

    def _batch_length(self, longest: int) -> int:
        if self.padding == "max_length":
            assert self.max_length is not None
            return self.max_length
        if self.padding == "longest" and self.pad_to_multiple_of:
            return -(-longest // self.pad_to_multiple_of) * self.pad_to_multiple_of
        return longest

    def _is_packed(self, features: Sequence[Row]) -> bool:
        if self.packed_sequences is None:
            return any("document_starts" in feature for feature in features)
        return self.packed_sequences

    def _starts(self, feature: Row, row: Tensor) -> list[int]:
        """Where documents begin in ``row``; position 0 always counts as a beginning."""
        starts = feature.get("document_starts")
        if starts is None:
            is_end = row[:-1] == self.eos_token_id
            starts = (is_end.nonzero()[:, 0] + 1).tolist()
        return sorted({0, *(int(start) for start in starts if start < len(row))})


def _position_ids(starts: list[list[int]], lengths: list[int], length: int) -> Tensor:
    """(B, T): the distance from the start of the document; padding is a document, too."""
    resets = torch.zeros(len(starts), length, dtype=torch.long)
    for index, row_starts in enumerate(starts):
        ends = [*row_starts, lengths[index]] if lengths[index] < length else row_starts
        resets[index, ends] = torch.tensor(ends)
    return torch.arange(length) - resets.cummax(dim=1).values


def _attention_mask(lengths: list[int], length: int) -> Tensor:
    return (torch.arange(length) < torch.tensor(lengths)[:, None]).long()


def _padding(padding: str | bool) -> str:
    if isinstance(padding, bool):
        return "longest" if padding else "none"
    if padding not in PADDING:
        raise DataError(f"unknown padding {padding!r}", hint=did_you_mean(padding, PADDING))
    return padding


def _pad_token_id(tokenizer: Any) -> int:
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id):
        if token is not None:
            return token
    raise DataError(
        "the tokenizer has neither a PAD nor an EOS token to pad with",
        hint="set tokenizer.pad_token",
    )
