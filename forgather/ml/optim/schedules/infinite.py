"""The infinite schedule: warm up, cool down to a plateau, stay, and decay when told to.

With W = warmup_steps, C = cooldown_steps, S = checkpoint_step, t = steps done::

    t < W               base * t / W                        (0 at the first step)
    W <= t < W + C      constant + (base - constant) / 2 * (1 + cos(pi * (t - W) / C))
    S >= 0 and t >= S   min + (plateau - min) * exp(-(t - S) / tau)
    otherwise           plateau

The plateau is ``constant_lr`` where there is a cooldown, else the base rate. The decay starts
from the plateau, so the rate never jumps. No total is needed: a training goes on at the plateau as
long as it likes, and is finished from any checkpoint of it by setting ``checkpoint_step``.
(Ibrahim et al., 2024, "Simple and Scalable Strategies to Continually Pre-train Large Language Models")
"""

from __future__ import annotations

import math

from torch.optim import Optimizer

from forgather.errors import ConfigError
from forgather.ml.optim.schedules.by_step import ScheduleByStep


class InfiniteLRScheduler(ScheduleByStep):
    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int = 0,
        cooldown_steps: int = 0,
        constant_lr: float = 3.75e-5,
        min_lr: float = 1e-8,
        tau: float = 1e4,
        checkpoint_step: int = -1,
        last_epoch: int = -1,
    ) -> None:
        if warmup_steps < 0 or cooldown_steps < 0:
            raise ConfigError("warmup_steps and cooldown_steps must not be negative")
        if 0 <= checkpoint_step < warmup_steps + cooldown_steps:
            raise ConfigError(
                f"checkpoint_step ({checkpoint_step}) lies before the end of warmup and cooldown "
                f"({warmup_steps + cooldown_steps})"
            )
        if tau <= 0:
            raise ConfigError(f"tau is {tau}; it must be positive")
        self.warmup_steps = warmup_steps
        self.cooldown_steps = cooldown_steps
        self.constant_lr = constant_lr
        self.min_lr = min_lr
        self.tau = tau
        self.checkpoint_step = checkpoint_step
        super().__init__(optimizer, last_epoch)

    def rate(self, base: float, step: int) -> float:
        if step < self.warmup_steps:
            return base * step / self.warmup_steps
        since = step - self.warmup_steps
        if since < self.cooldown_steps:
            cosine = 1 + math.cos(math.pi * since / self.cooldown_steps)
            return self.constant_lr + (base - self.constant_lr) / 2 * cosine
        plateau = self.constant_lr if self.cooldown_steps > 0 else base
        if 0 <= self.checkpoint_step <= step:
            decay = math.exp(-(step - self.checkpoint_step) / self.tau)
            return self.min_lr + (plateau - self.min_lr) * decay
        return plateau
