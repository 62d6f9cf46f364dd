"""From documents to a tokenized dataset: select, shard, shuffle, map.

Two kinds of source are understood:

- what the ``datasets`` library gives (``Dataset``, ``IterableDataset``): its own methods do the work,
  so its cache on disk and its workers are used;
- anything plain: a sized one (``len`` and ``[i]``, such as a corpus) or a stream (only ``iter``, such
  as a folder of text). Rows go through the map function batch by batch, and only tokens are kept.

What is called ``preprocess_args`` in configs (what a training wants to have its way) goes over what
the dataset's own config says in ``fn_kwargs``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from itertools import islice
from typing import Any

from forgather.errors import DataError
from forgather.ml.datasets.columns import TokenizedDataset
from forgather.ml.datasets.ranges import RangeSpec, normalize_range
from forgather.ml.datasets.tokenize_maps import default_tokenize_map_fn
from forgather.ml.datasets.tokenize_maps import shuffle as shuffle_rows

logger = logging.getLogger(__name__)

MapFunction = Callable[..., Mapping[str, Any]]
Shard = Mapping[str, int]  # {"num_shards": how many, "index": which}


def preprocess_dataset(
    dataset: Any,
    tokenizer: Any,
    *,
    select_range: RangeSpec = None,
    to_iterable: bool = False,
    feature: str = "text",
    shuffle: bool = False,
    num_shards: int = 256,
    desc: str | None = None,
    seed: int = 42,
    shuffle_buffer_size: int = 1000,
    map_fn: MapFunction = default_tokenize_map_fn,
    map_kwargs: Mapping[str, Any] | None = None,
    fn_kwargs: Mapping[str, Any] | None = None,
    preprocess_args: Mapping[str, Any] | None = None,
    dataset_length: int | None = None,
    remove_columns: bool = True,
    shard_dataset: bool | Shard | None = None,
) -> Any:
    """Tokenize ``dataset`` with ``map_fn(batch, tokenizer=, feature=, **fn_kwargs)``.

    select_range: which rows, see :func:`normalize_range`; of a stream, counted rows only, unless
        ``dataset_length`` is given.
    shard_dataset: True takes this rank's share of the rows.
    shuffle: all rows, by ``seed``; of a stream, within ``shuffle_buffer_size`` rows.
    map_kwargs: for ``Dataset.map``; of a plain source, ``batch_size`` is used.
    to_iterable, num_shards, remove_columns: for sources of the ``datasets`` library only.
    """
    fn_kwargs = {"tokenizer": tokenizer, "feature": feature, **(fn_kwargs or {})}
    fn_kwargs |= preprocess_args or {}
    shard = _shard(shard_dataset)
    if not hasattr(dataset, "map"):
        if to_iterable or not remove_columns:
            raise DataError(
                "to_iterable and remove_columns=False work on sources of the datasets library only",
                hint="leave them out",
            )
        rows = _plain_rows(dataset, select_range, dataset_length, shard)
        rows = _shuffled(rows, seed, shuffle_buffer_size) if shuffle else rows
        batch_size = (map_kwargs or {}).get("batch_size", 10_000)
        return _tokenized(rows, map_fn, fn_kwargs, batch_size, desc)
    dataset = _select(dataset, select_range, dataset_length)
    if shard is not None:
        dataset = dataset.shard(num_shards=shard["num_shards"], index=shard["index"])
    if to_iterable and isinstance(dataset, Sized):
        dataset = dataset.to_iterable_dataset(num_shards=min(num_shards, max(len(dataset), 1)))
    return _library_map(
        dataset,
        _shuffle_arguments(dataset, seed, shuffle_buffer_size) if shuffle else None,
        map_fn,
        {"fn_kwargs": fn_kwargs, **(map_kwargs or {})},
        desc,
        remove_columns,
    )


def _shard(shard_dataset: bool | Shard | None) -> Shard | None:
    if shard_dataset is True:
        from forgather.ml.distributed import get_rank, get_world_size

        return {"num_shards": get_world_size(), "index": get_rank()}
    return shard_dataset or None


def _select(dataset: Any, select_range: RangeSpec, dataset_length: int | None) -> Any:
    """Rows of a dataset of the ``datasets`` library."""
    if select_range is None:
        return dataset
    if isinstance(dataset, Sized):
        return dataset.select(normalize_range(len(dataset), select_range))
    rows = _stream_range(select_range, dataset_length)
    if rows.step != 1:
        raise DataError("a streamed dataset cannot be read with a step", hint="leave the step out")
    return dataset.skip(rows.start).take(len(rows))


def _stream_range(select_range: RangeSpec, dataset_length: int | None) -> range:
    """Rows of a stream. Its length is unknown, so only counted rows mean something."""
    if dataset_length is not None:
        return normalize_range(dataset_length, select_range)  # type: ignore[return-value]
    # The same rows whatever the length is: then they do not depend on it.
    short, long = (normalize_range(length, select_range) for length in (2**40, 2**41))
    if short is None or short != long:
        raise DataError(
            f"the range {select_range!r} depends on the length of a dataset that is a stream",
            hint='count rows from the start ("0:10000"), or give dataset_length',
        )
    return short


def _shuffle_arguments(dataset: Any, seed: int, buffer_size: int) -> dict[str, int]:
    return (
        {"seed": seed} if isinstance(dataset, Sized) else {"seed": seed, "buffer_size": buffer_size}
    )


def _library_map(
    dataset: Any,
    shuffle_arguments: Mapping[str, int] | None,
    map_fn: MapFunction,
    map_arguments: dict[str, Any],
    desc: str | None,
    remove_columns: bool,
) -> Any:
    """Shuffle and map by the library; rank 0 first, so that its cache is filled once."""
    from forgather.ml.distributed import main_process_first

    if remove_columns and dataset.column_names is not None:
        map_arguments["remove_columns"] = dataset.column_names
    if isinstance(dataset, Sized):
        map_arguments["desc"] = desc
    with main_process_first():
        if shuffle_arguments is not None:
            dataset = dataset.shuffle(**shuffle_arguments)
        return dataset.map(map_fn, batched=True, **map_arguments)


def _plain_rows(
    dataset: Any, select_range: RangeSpec, dataset_length: int | None, shard: Shard | None
) -> Iterable[Mapping[str, Any]]:
    every = shard["num_shards"] if shard else 1
    index = shard["index"] if shard else 0
    if isinstance(dataset, Sized) and hasattr(dataset, "__getitem__"):
        chosen = normalize_range(len(dataset), select_range)
        rows = range(len(dataset)) if chosen is None else chosen
        return _Picked(dataset, rows[index::every])
    if select_range is None:
        return islice(iter(dataset), index, None, every)
    rows = _stream_range(select_range, dataset_length)
    stream = islice(iter(dataset), rows.start, rows.stop, rows.step)
    return islice(stream, index, None, every)


class _Picked:
    """Some rows of a sized dataset, in a given order, read when asked for."""

    def __init__(self, dataset: Any, rows: Iterable[int]) -> None:
        self.dataset = dataset
        self.rows = list(rows)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (self.dataset[row] for row in self.rows)


def _shuffled(
    rows: Iterable[Mapping[str, Any]], seed: int, buffer_size: int
) -> Iterable[Mapping[str, Any]]:
    rng = random.Random(seed)
    if isinstance(rows, _Picked):
        shuffle_rows(rows.rows, rng)
        return rows
    return _through_buffer(rows, rng, buffer_size)


def _through_buffer(
    rows: Iterable[Mapping[str, Any]], rng: random.Random, buffer_size: int
) -> Iterator[Mapping[str, Any]]:
    """A stream in another order: each row waits in a buffer until a later one takes its place."""
    buffer: list[Mapping[str, Any]] = []
    for row in rows:
        if len(buffer) < buffer_size:
            buffer.append(row)
            continue
        place = int(rng.random() * buffer_size)
        yield buffer[place]
        buffer[place] = row
    shuffle_rows(buffer, rng)
    yield from buffer


def _tokenized(
    rows: Iterable[Mapping[str, Any]],
    map_fn: MapFunction,
    fn_kwargs: Mapping[str, Any],
    batch_size: int,
    desc: str | None,
) -> TokenizedDataset:
    result = TokenizedDataset()
    done = 0
    for batch in _batches(rows, batch_size):
        result.extend(map_fn(batch, **fn_kwargs))
        done += len(next(iter(batch.values())))
        logger.info("%s: %d documents, %d tokens", desc or "tokenizing", done, result.num_tokens)
    if len(result) == 0:
        raise DataError(
            f"no rows are left{f' of {desc}' if desc else ''} after tokenizing {done} documents",
            hint="look at select_range, min_len and max_len, and at the validation fraction",
        )
    return result


def _batches(rows: Iterable[Mapping[str, Any]], batch_size: int) -> Iterator[dict[str, list[Any]]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, batch_size)):
        yield {name: [row[name] for row in batch] for name in batch[0]}
