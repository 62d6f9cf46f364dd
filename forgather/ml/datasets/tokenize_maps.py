"""Map functions: a batch of texts in, rows of token ids out.

``default_tokenize_map_fn`` gives one row per document; ``block_tokenize_fn`` cuts and packs documents
into blocks of at most ``max_length`` tokens. Both are called by
:func:`~forgather.ml.datasets.preprocess.preprocess_dataset` with batches like
``{"text": [...]}`` and may be given to ``datasets.Dataset.map`` as they are.

Each document becomes BOS, its tokens, EOS: one BOS and one EOS, also where a document goes on in
another block. A document without a token of its own is dropped.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forgather.errors import DataError, did_you_mean
from forgather.ml.datasets.packing import pack

Batch = Mapping[str, Sequence[Any]]


def default_tokenize_map_fn(
    batch: Batch,
    tokenizer: Any,
    feature: str = "text",
    *,
    add_bos: bool = False,
    add_eos: bool = False,
    **tokenizer_args: Any,
) -> dict[str, list[list[int]]]:
    """``{"input_ids": ...}``, a row for each document.

    ``tokenizer_args`` go to the tokenizer (``truncation``, ``max_length``, ...). BOS and EOS are put
    around what the tokenizer gives, where they are not there already.
    """
    rows = tokenizer(_texts(batch, feature), **tokenizer_args)["input_ids"]
    first = [_special(tokenizer, "bos_token_id")] if add_bos else []
    last = [_special(tokenizer, "eos_token_id")] if add_eos else []
    return {"input_ids": [_enclosed(row, first, last, tokenizer_args) for row in rows]}


def _enclosed(
    row: list[int], first: list[int], last: list[int], tokenizer_args: Mapping[str, Any]
) -> list[int]:
    if row[:1] != first:
        row = first + row
    if row[-1:] != last:
        row = row + last
    limit = tokenizer_args.get("max_length") if tokenizer_args.get("truncation") else None
    return row[:limit]


def block_tokenize_fn(
    features: Batch,
    tokenizer: Any,
    feature: str = "text",
    *,
    max_length: int = 512,
    overflow: bool = True,
    packed: bool = False,
    packing_strategy: str = "greedy",
    shuffle_output: bool = False,
    seed: int = 42,
    stride: int = 0,
    min_len: int = 1,
    max_len: int | None = None,
    add_bos: bool = True,
    add_eos: bool = True,
    truncate_at: str | None = None,
) -> dict[str, list[list[int]]]:
    """``{"input_ids", "document_starts"}``: blocks of at most ``max_length`` tokens.

    overflow: a longer document goes on in the next block; else its rest is dropped.
    packed: a block may hold several documents (``packing_strategy``: see
        :mod:`~forgather.ml.datasets.packing`); else each block is of one document.
    stride: how many tokens a continued block repeats.
    min_len, max_len: documents with fewer or more tokens are dropped, BOS and EOS not counted.
    truncate_at: a regular expression; a document ends where it first matches.
    shuffle_output: mix the blocks of a batch, by ``seed``.
    """
    documents = _documents(
        _truncated(_texts(features, feature), truncate_at), tokenizer, add_bos, add_eos
    )
    kept = (
        tokens
        for size, tokens in documents
        if size >= min_len and (max_len is None or size <= max_len)
    )
    blocks = pack(
        kept,
        max_length,
        packed=packed,
        strategy=packing_strategy,
        overflow=overflow,
        stride=stride,
    )
    if shuffle_output:
        shuffle(blocks, random.Random(seed))
    return {
        "input_ids": [block.tokens for block in blocks],
        "document_starts": [block.document_starts for block in blocks],
    }


def shuffle(rows: list[Any], rng: random.Random) -> None:
    """Fisher-Yates on ``rng.random()`` alone, whose sequence Python guarantees for a seed."""
    for last in range(len(rows) - 1, 0, -1):
        other = int(rng.random() * (last + 1))
        rows[last], rows[other] = rows[other], rows[last]


def _documents(
    texts: list[str], tokenizer: Any, add_bos: bool, add_eos: bool
) -> Iterator[tuple[int, list[int]]]:
    """Number of own tokens, and all tokens, of each document that has any."""
    first = [_special(tokenizer, "bos_token_id")] if add_bos else []
    last = [_special(tokenizer, "eos_token_id")] if add_eos else []
    if not texts:
        return
    # verbose: the tokenizer would warn that a document is longer than the model takes; it is cut later
    encoded = tokenizer(texts, add_special_tokens=False, verbose=False)["input_ids"]
    for tokens in encoded:
        if tokens:
            yield len(tokens), first + list(tokens) + last


def _truncated(texts: list[str], pattern: str | None) -> list[str]:
    if pattern is None:
        return texts
    try:
        end = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"truncate_at is not a regular expression: {pattern!r} ({error})"
        ) from error
    return [_cut(end, text) for text in texts]


def _cut(end: re.Pattern[str], text: str) -> str:
    match = end.search(text)
    return text[: match.start()] if match else text


def _texts(batch: Batch, feature: str) -> list[str]:
    if feature not in batch:
        raise DataError(
            f"the dataset has no column {feature!r}", hint=did_you_mean(feature, list(batch))
        )
    return list(batch[feature])


def _special(tokenizer: Any, name: str) -> int:
    token = getattr(tokenizer, name, None)
    if token is None:
        raise DataError(
            f"the tokenizer has no {name.removesuffix('_token_id').upper()} token",
            hint="set it on the tokenizer, or pass add_bos=False / add_eos=False",
        )
    return token
