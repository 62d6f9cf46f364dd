"""Held-out loss: the mean over all target tokens, whatever the batches are cut into."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from forgather.errors import DataError
from forgather.ml.checkpoint import rng
from forgather.ml.trainer.events import EventBus
from forgather.ml.trainer.objective import Batch, Objective
from forgather.ml.trainer.precision import Precision
from forgather.ml.trainer.step import to_device
from forgather.ml.trainer.strategy import OneDevice


@dataclass(frozen=True)
class Evaluator:
    """What an evaluation needs; a training lends its own."""

    objective: Objective
    precision: Precision
    strategy: OneDevice
    bus: EventBus


def evaluation_loss(evaluator: Evaluator, batches: Iterable[Batch], max_batches: int = -1) -> float:
    """Leaves the model's mode and every random number generator as they were.

    max_batches: look at so many batches only (-1: all).
    """
    model = evaluator.objective.model
    was_training = model.training
    model.eval()
    try:
        with rng.preserved(), torch.no_grad():
            return _token_mean(evaluator, batches, max_batches)
    finally:
        model.train(was_training)


def _token_mean(evaluator: Evaluator, batches: Iterable[Batch], max_batches: int) -> float:
    losses: list[torch.Tensor] = []
    counts: list[int] = []
    seen = 0
    for batch in itertools.islice(batches, max_batches if max_batches >= 0 else None):
        seen += 1
        targets = evaluator.objective.targets_in(batch)
        if targets > 0:
            with evaluator.precision.autocast():
                losses.append(
                    evaluator.objective(
                        to_device(batch, evaluator.strategy.device), targets, targets
                    ).detach()
                )
            counts.append(targets)
        if evaluator.bus.heard("on_prediction_step"):
            evaluator.bus.emit("on_prediction_step")
    if not losses:
        raise DataError(f"nothing to evaluate: {seen} batches without a target token")
    weights = torch.tensor(counts, dtype=torch.float64)
    total = (torch.stack(losses).double().cpu() * weights).sum()
    sums = evaluator.strategy.sum_tensor(torch.stack([total, weights.sum()]))
    return (sums[0] / sums[1]).item()
