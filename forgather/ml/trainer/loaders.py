"""From arguments and datasets to loaders: map-style or iterable, for training or evaluation."""

from __future__ import annotations

import os
from typing import Any

import torch

from forgather.ml.trainer.args import TrainingArguments
from forgather.ml.trainer.dataloader import BatchLoader
from forgather.ml.trainer.ingredients import Ingredients
from forgather.ml.trainer.session import Loader
from forgather.ml.trainer.stream import StreamLoader


def make_train_loader(args: TrainingArguments, given: Ingredients) -> Loader:
    dataset = given.train_dataset
    batch_size = args.per_device_train_batch_size
    if not _is_map_style(dataset):
        return StreamLoader(
            dataset,
            batch_size,
            collator=given.data_collator,
            drop_last=args.dataloader_drop_last,
            epoch_batches=_stream_batches(dataset, batch_size, args),
        )
    return BatchLoader(
        dataset,
        batch_size,
        collator=given.data_collator,
        shuffle=args.dataloader_shuffle,
        # Without a seed the order is random, once: the checkpoint notes which.
        seed=args.seed if args.seed >= 0 else int.from_bytes(os.urandom(7), "little"),
        drop_last=args.dataloader_drop_last,
        num_workers=args.dataloader_num_workers,
        prefetch_factor=args.dataloader_prefetch_factor if args.dataloader_num_workers else None,
        persistent_workers=args.dataloader_persistent_workers,
        pin_memory=args.dataloader_pin_memory and torch.cuda.is_available() and not args.use_cpu,
    )


def make_eval_loader(args: TrainingArguments, dataset: Any, collator: Any) -> Loader:
    batch_size = args.per_device_eval_batch_size
    if not _is_map_style(dataset):
        return StreamLoader(dataset, batch_size, collator=collator)
    return BatchLoader(
        dataset, batch_size, collator=collator, num_workers=args.dataloader_num_workers
    )


def _is_map_style(dataset: Any) -> bool:
    return hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")


def _stream_batches(dataset: Any, batch_size: int, args: TrainingArguments) -> int:
    if not hasattr(dataset, "__len__"):
        return args.epoch_train_steps
    full, rest = divmod(len(dataset), batch_size)
    return max(1, full + (rest > 0 and not args.dataloader_drop_last))
