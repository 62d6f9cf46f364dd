"""Everything one training holds, put together by ``prepare`` and used by ``loop``. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from forgather.ml.checkpoint import BestCheckpoints, CheckpointCoordinator
from forgather.ml.checkpoint.rng import RandomState
from forgather.ml.trainer.args import TrainingArguments
from forgather.ml.trainer.dataloader import BatchLoader
from forgather.ml.trainer.evaluate import Evaluator
from forgather.ml.trainer.events import EventBus
from forgather.ml.trainer.metrics import IntervalMetrics, SpeedMeter
from forgather.ml.trainer.state import TrainerState
from forgather.ml.trainer.step import OptimizerStep
from forgather.ml.trainer.strategy import OneDevice
from forgather.ml.trainer.stream import StreamLoader

Loader = BatchLoader | StreamLoader


@dataclass
class Session:
    """``inner`` is the user's module, ``step.objective.model`` what is called (wrapped perhaps)."""

    args: TrainingArguments
    strategy: OneDevice
    bus: EventBus
    inner: nn.Module
    step: OptimizerStep
    optimizer: torch.optim.Optimizer
    lr_scheduler: Any
    train_loader: Loader
    eval_dataset: Any
    collator: Any
    coordinator: CheckpointCoordinator
    best: BestCheckpoints
    random: RandomState
    metrics: IntervalMetrics
    speed: SpeedMeter

    @property
    def evaluator(self) -> Evaluator:
        return Evaluator(self.step.objective, self.step.precision, self.strategy, self.bus)

    @property
    def state(self) -> TrainerState:
        return self.bus.state
