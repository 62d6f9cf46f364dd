"""Learning-rate schedules, one a file; each is a pure function of the number of steps done."""

from forgather.ml.optim.schedules.cosine import CosineLRScheduler
from forgather.ml.optim.schedules.infinite import InfiniteLRScheduler
from forgather.ml.optim.schedules.sequential import sequential_lr_factory

__all__ = ["CosineLRScheduler", "InfiniteLRScheduler", "sequential_lr_factory"]
