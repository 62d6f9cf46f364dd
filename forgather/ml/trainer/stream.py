"""Batches of an iterable dataset: no length, no index, so the position is kept two ways.

A dataset with ``state_dict`` and ``load_state_dict`` is asked for its own state (exact, and O(1) to
resume, if the dataset seeks). One without is replayed: a resume reads and drops the examples that
were handed out before, which takes time but gives the same order if the dataset does.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

from torch.utils.data import default_collate

from forgather.errors import CheckpointError, DataError
from forgather.ml.trainer.dataloader import Batch

logger = logging.getLogger(__name__)


class StreamLoader:
    """Batches of an iterable dataset; ``epoch_batches`` says how long an epoch is taken to be.

    An epoch ends when the dataset does, or after ``epoch_batches`` (None: only when it ends).
    Workers are not used: a dataset that is read in several processes has no one position.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        *,
        collator: Callable[[list[Any]], Batch] | None = None,
        drop_last: bool = False,
        epoch_batches: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.collator = collator or default_collate
        self.drop_last = drop_last
        self.epoch_batches = epoch_batches
        self.seed = 0
        self.epoch = 0
        self.position = 0
        self._replay = 0
        self._seeks = hasattr(dataset, "state_dict") and hasattr(dataset, "load_state_dict")

    def __len__(self) -> int:
        if self.epoch_batches is None:
            raise DataError("this dataset has no length; set max_steps or epoch_train_steps")
        return self.epoch_batches

    @property
    def progress(self) -> float:
        if self.epoch_batches is None:
            return 0.0
        return min(self.position / (self.epoch_batches * self.batch_size), 1.0)

    def __iter__(self) -> Iterator[Batch]:
        examples = iter(self.dataset)
        if self._replay:
            logger.warning("replaying %d examples to find the place again", self._replay)
            next(itertools.islice(examples, self._replay - 1, None), None)
            self._replay = 0
        limit = None if self.epoch_batches is None else self.epoch_batches * self.batch_size
        while limit is None or self.position < limit:
            batch = list(itertools.islice(examples, self.batch_size))
            if not batch or (self.drop_last and len(batch) < self.batch_size):
                break
            self.position += len(batch)
            yield self.collator(batch)
        if self.position == 0:
            raise DataError("the training dataset gave no example")

    def next_epoch(self) -> None:
        self.epoch += 1
        self.position = 0

    def state_dict(self) -> dict[str, Any]:
        state = {"kind": "stream", "epoch": self.epoch, "position": self.position}
        if self._seeks:
            state["dataset"] = self.dataset.state_dict()
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        if state_dict["kind"] != "stream":
            raise CheckpointError(
                "this checkpoint was written with a map-style dataset; this one is iterable",
                hint="to go on with other data, delete dataset_state.pt from the checkpoint",
            )
        self.epoch = state_dict["epoch"]
        self.position = state_dict["position"]
        if self._seeks and "dataset" in state_dict:
            self.dataset.load_state_dict(state_dict["dataset"])
        else:
            self._replay = self.position
