"""Optimizers and learning-rate schedules, one a file."""

from forgather.ml.optim.adamw import AdamW
from forgather.ml.optim.schedules import (
    CosineLRScheduler,
    InfiniteLRScheduler,
    sequential_lr_factory,
)
from forgather.ml.optim.sgd import SGD

__all__ = ["SGD", "AdamW", "CosineLRScheduler", "InfiniteLRScheduler", "sequential_lr_factory"]
