"""Several schedules one after the other: torch's ``SequentialLR`` from partials.

A config cannot hand a schedule its optimizer, so it gives callables that take one::

    lr_scheduler: !partial:forgather.ml.optim:sequential_lr_factory
        schedulers: [ !partial:torch.optim.lr_scheduler:LinearLR {...}, !partial:... ]
        milestones: [ 500 ]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, SequentialLR

from forgather.errors import ConfigError


def sequential_lr_factory(
    optimizer: Optimizer,
    schedulers: Sequence[Callable[[Optimizer], LRScheduler]],
    milestones: Sequence[int],
) -> SequentialLR:
    if len(milestones) != len(schedulers) - 1:
        raise ConfigError(
            f"{len(schedulers)} schedules need {len(schedulers) - 1} milestones, "
            f"not {len(milestones)}"
        )
    made = [factory(optimizer) for factory in schedulers]
    return SequentialLR(optimizer, made, milestones=list(milestones))
