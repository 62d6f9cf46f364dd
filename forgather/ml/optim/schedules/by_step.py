"""What schedules share whose rate is a function of the step alone: no sum, no memory.

A schedule says what the rate is, as ``rate(base, step)``; this asks it for every parameter group.
"""

from __future__ import annotations

from abc import abstractmethod

from torch.optim.lr_scheduler import LRScheduler


class ScheduleByStep(LRScheduler):
    @abstractmethod
    def rate(self, base: float, step: int) -> float:
        """The learning rate after ``step`` optimizer steps, where the optimizer was given ``base``."""

    def get_lr(self) -> list[float]:
        return [self.rate(base, self.last_epoch) for base in self.base_lrs]

    def state_dict(self) -> dict[str, object]:
        """Only where it is: the shape comes from the config, so it may change on resume."""
        return {
            "last_epoch": self.last_epoch,
            "base_lrs": list(self.base_lrs),
            "_last_lr": list(self._last_lr),
        }
