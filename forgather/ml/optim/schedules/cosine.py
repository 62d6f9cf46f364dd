"""Linear warmup, then half a cosine down to ``min_lr`` at ``total_steps``, which it keeps.

::

    t < W    base * t / W
    else     min + (base - min) / 2 * (1 + cos(pi * (t - W) / (total - W)))
"""

from __future__ import annotations

import math

from torch.optim import Optimizer

from forgather.errors import ConfigError
from forgather.ml.optim.schedules.by_step import ScheduleByStep


class CosineLRScheduler(ScheduleByStep):
    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        warmup_steps: int = 0,
        min_lr: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not 0 <= warmup_steps < total_steps:
            raise ConfigError(
                f"warmup_steps ({warmup_steps}) must lie below total_steps ({total_steps})"
            )
        self.total_steps = total_steps
        self.warmup_steps = warmup_steps
        self.min_lr = min_lr
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, step: int) -> float:
        if step < self.warmup_steps:
            return base * step / self.warmup_steps
        part = (step - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return self.min_lr + (base - self.min_lr) / 2 * (1 + math.cos(math.pi * min(part, 1.0)))
