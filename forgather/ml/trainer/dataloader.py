"""Batches for training and evaluation, with a position that is a number.

The order of a map-style dataset is a function of (seed, epoch), see ``order``, so the state is
{seed, epoch, position, and what identifies the dataset}, and a resume seeks. Workers fetch ahead
but the position counts what was handed out, and the order does not depend on their number.

A dataset must give the same example for the same index; one that draws random numbers while
workers fetch ahead is resumed in the right order, not with the same numbers.

Iterable datasets go through ``stream``. This module knows nothing of steps or devices.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch.utils.data import DataLoader, default_collate

from forgather.errors import CheckpointError, DataError
from forgather.ml.trainer.order import ShuffledOrder, sequential_order

Batch = dict[str, Any]


class BatchLoader:
    """Batches of a map-style dataset, epoch by epoch.

    ``for batch in loader`` gives what is left of the current epoch; ``next_epoch`` turns the page.
    ``position`` counts examples handed out in this epoch.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        *,
        collator: Callable[[list[Any]], Batch] | None = None,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        num_workers: int = 0,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory: bool = False,
    ) -> None:
        self.dataset = dataset
        self.length = len(dataset)
        self.batch_size = batch_size
        self.collator = collator or default_collate
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.persistent_workers = persistent_workers and num_workers > 0
        self.pin_memory = pin_memory
        self.epoch = 0
        self.position = 0
        self._workers: DataLoader | None = None
        if len(self) == 0:
            raise DataError(
                f"no batch to be had: the dataset has {self.length} examples, the batch size is "
                f"{batch_size}" + (", and drop_last is on" if drop_last else "")
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        full, rest = divmod(self.length, self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    @property
    def progress(self) -> float:
        """The part of the current epoch that was handed out, 0 to 1."""
        return min(self.position / self._end, 1.0)

    @property
    def _end(self) -> int:
        return len(self) * self.batch_size if self.drop_last else self.length

    def __iter__(self) -> Iterator[Batch]:
        source = self._fetch_ahead() if self.num_workers > 0 else self._fetch()
        for size, batch in source:
            self.position += size
            yield batch

    def next_epoch(self) -> None:
        self.epoch += 1
        self.position = 0

    def _indices(self) -> Iterator[list[int]]:
        """Indices of each batch from the current position on."""
        order = (
            ShuffledOrder(self.length, self.seed, self.epoch) if self.shuffle else sequential_order
        )
        for start in range(self.position, self._end, self.batch_size):
            yield order(start, min(start + self.batch_size, self._end))

    def _fetch(self) -> Iterator[tuple[int, Batch]]:
        fetch_many = getattr(self.dataset, "__getitems__", None)
        for indices in self._indices():
            if fetch_many is not None:
                examples = fetch_many(indices)
            else:
                examples = [self.dataset[index] for index in indices]
            batch = self.collator(examples)
            yield len(indices), _pinned(batch) if self.pin_memory else batch

    def _fetch_ahead(self) -> Iterator[tuple[int, Batch]]:
        if self._workers is None or not self.persistent_workers:
            self._workers = DataLoader(
                self.dataset,
                batch_sampler=_BatchSampler(self),
                collate_fn=partial(_sized, self.collator),
                num_workers=self.num_workers,
                prefetch_factor=self.prefetch_factor,
                persistent_workers=self.persistent_workers,
                pin_memory=self.pin_memory,
                # Its own generator: seeding the workers must not draw from the training's.
                generator=torch.Generator(),
            )
        self._workers.generator.manual_seed(_worker_seed(self.seed, self.epoch))
        yield from self._workers

    def state_dict(self) -> dict[str, Any]:
        return {
            "kind": "map",
            "seed": self.seed,
            "shuffle": self.shuffle,
            "epoch": self.epoch,
            "position": self.position,
            "length": self.length,
            "fingerprint": fingerprint(self.dataset),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        ours = self.state_dict()
        for key in ("kind", "length", "fingerprint", "shuffle"):
            if state_dict[key] != ours[key]:
                raise CheckpointError(
                    f"the training dataset is not the one this checkpoint was written with: its "
                    f"{key} was {state_dict[key]!r} and is {ours[key]!r} now",
                    hint="to go on with other data, delete dataset_state.pt from the checkpoint: "
                    "the data then starts from its beginning",
                )
        self.seed = state_dict["seed"]
        self.epoch = state_dict["epoch"]
        self.position = state_dict["position"]


class _BatchSampler:
    """Hands the loader's indices to torch's workers; read when an iteration starts."""

    def __init__(self, loader: BatchLoader) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[list[int]]:
        return self.loader._indices()

    def __len__(self) -> int:
        return len(self.loader)


def _sized(collator: Callable[[list[Any]], Batch], examples: list[Any]) -> tuple[int, Batch]:
    return len(examples), collator(examples)


def _pinned(batch: Batch) -> Batch:
    return {
        name: value.pin_memory() if isinstance(value, torch.Tensor) else value
        for name, value in batch.items()
    }


def _worker_seed(seed: int, epoch: int) -> int:
    digest = hashlib.sha256(f"forgather-workers-1:{seed}:{epoch}".encode()).digest()
    return int.from_bytes(digest[:7], "little")


def fingerprint(dataset: Any) -> str:
    """Identifies a dataset cheaply: its own ``fingerprint``, else its length and three examples."""
    for name in ("fingerprint", "_fingerprint"):
        own = getattr(dataset, name, None)
        if isinstance(own, str):
            return own
    length = len(dataset)
    digest = hashlib.sha256(f"{length}".encode())
    for index in sorted({0, length // 2, length - 1}):
        digest.update(_example_bytes(dataset[index]))
    return digest.hexdigest()


def _example_bytes(value: Any) -> bytes:
    if isinstance(value, dict):
        parts = [name.encode() + b"=" + _example_bytes(value[name]) for name in sorted(value)]
        return b"{" + b",".join(parts) + b"}"
    if isinstance(value, torch.Tensor) or hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return b"[" + b",".join(_example_bytes(item) for item in value) + b"]"
    return repr(value).encode()
