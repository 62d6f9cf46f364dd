"""Trains a tokenizer with the ``tokenizers`` library and gives it as ``PreTrainedTokenizerFast``.

The same parts and the same text give the same bytes: training is deterministic, the text is read in
its order, and nothing of the machine or the time is written. The object that comes out can be saved
by ``save_pretrained`` and used with ``transformers`` without Forgather.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from forgather.errors import DataError, did_you_mean
from forgather.ml.datasets.publish import new_directory
from forgather.ml.datasets.ranges import RangeSpec, normalize_range

BATCH = 1000


class TokenizerTrainer:
    """Parts of a tokenizer and the text to train it on; calling it trains.

    model, normalizer, pre_tokenizer, post_processor, decoder, trainer: parts of the ``tokenizers``
        library.
    dataset: rows of ``{feature: text}``, sized or a stream; ``select_range`` takes a part of it.
    special_tokens_map: ``{"bos_token": "<|BOS|>", ...}``; the trainer must know them, too.
    args: more arguments of ``PreTrainedTokenizerFast``, such as ``model_max_length``.
    output_dir: where to save the tokenizer; None does not.
    """

    def __init__(
        self,
        *,
        model: Any,
        trainer: Any,
        dataset: Any,
        normalizer: Any = None,
        pre_tokenizer: Any = None,
        post_processor: Any = None,
        decoder: Any = None,
        feature: str = "text",
        select_range: RangeSpec = None,
        special_tokens_map: Mapping[str, str] | None = None,
        args: Mapping[str, Any] | None = None,
        output_dir: str | Path | None = None,
    ) -> None:
        self.model = model
        self.trainer = trainer
        self.dataset = dataset
        self.parts = {
            "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer,
            "post_processor": post_processor,
            "decoder": decoder,
        }
        self.feature = feature
        self.select_range = select_range
        self.special_tokens_map = dict(special_tokens_map or {})
        self.args = dict(args or {})
        self.output_dir = output_dir

    def __call__(self) -> Any:
        """Train, save where asked to, and return the tokenizer."""
        from tokenizers import Tokenizer
        from transformers import PreTrainedTokenizerFast

        core = Tokenizer(self.model)
        for name, part in self.parts.items():
            if part is not None:
                setattr(core, name, part)
        core.train_from_iterator(self._batches(), trainer=self.trainer)
        self._check(core)
        arguments = {"clean_up_tokenization_spaces": False} | self.special_tokens_map | self.args
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **arguments)
        if self.output_dir is not None:
            with new_directory(Path(self.output_dir)) as aside:
                tokenizer.save_pretrained(aside)
        return tokenizer

    def _batches(self) -> Iterator[list[str]]:
        texts = self._texts()
        if not (batch := list(islice(texts, BATCH))):
            raise DataError("a tokenizer cannot be trained on a dataset without rows")
        while batch:
            yield batch
            batch = list(islice(texts, BATCH))

    def _texts(self) -> Iterator[str]:
        for row in self._rows():
            if self.feature not in row:
                raise DataError(
                    f"the dataset has no column {self.feature!r}",
                    hint=did_you_mean(self.feature, list(row)),
                )
            yield row[self.feature]

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        if not hasattr(self.dataset, "__len__"):
            if self.select_range is not None:
                raise DataError("select_range needs a dataset that knows its length")
            return iter(self.dataset)
        rows = normalize_range(len(self.dataset), self.select_range)
        return (self.dataset[row] for row in (range(len(self.dataset)) if rows is None else rows))

    def _check(self, core: Any) -> None:
        """Every special token must have an id, and the post-processor must use that one."""
        for name, token in self.special_tokens_map.items():
            if core.token_to_id(token) is None:
                raise DataError(
                    f"the tokenizer has no token {token!r} for {name}",
                    hint="name it in special_tokens of the trainer",
                )
        bos = self.special_tokens_map.get("bos_token")
        encoded = core.encode("")
        if bos is not None and bos in encoded.tokens:
            wanted = core.token_to_id(bos)
            if wanted not in encoded.ids:
                raise DataError(
                    f"the post-processor puts {encoded.ids} before a text, and {bos!r} has id {wanted}",
                    hint="give the post-processor the id that the token has",
                )
