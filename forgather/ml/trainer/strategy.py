"""How a training is spread over processes: the object that the loop asks, never a subclass of it.

:class:`OneDevice` is the plain answer to every question; a strategy for several processes answers
them otherwise (wrap the model, sum counts over ranks, skip gradient exchange but in the last
micro-batch, agree on a flag).
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import Tensor, nn

from forgather.errors import RunError
from forgather.ml.checkpoint import CheckpointCoordinator, SharingPattern
from forgather.ml.distributed import DistributedEnvironment
from forgather.ml.trainer.args import TrainingArguments


class OneDevice:
    """One process, one device."""

    world_size = 1
    rank = 0
    patterns: dict[str, SharingPattern] = {  # noqa: RUF012  a table
        "optimizer": SharingPattern.REPLICATED,
        "scheduler": SharingPattern.REPLICATED,
        "dataset": SharingPattern.GLOBAL,
        "rng": SharingPattern.PER_RANK,
        "trainer": SharingPattern.REPLICATED,
    }

    def __init__(self, args: TrainingArguments, environment: DistributedEnvironment | None) -> None:
        if environment is not None and environment.world_size > 1:
            raise RunError(
                f"Trainer trains on one device, and this is one of {environment.world_size} "
                "processes",
                hint="start one process, or use a trainer for several",
            )
        self.device = _pick_device(args, environment)

    def wrap_model(self, model: nn.Module) -> nn.Module:
        return model

    def wrap_optimizer(self, optimizer: Any) -> Any:
        return optimizer

    def micro_batch(self, *, is_last: bool) -> contextlib.AbstractContextManager[None]:
        """Around forward and backward of one micro-batch."""
        return contextlib.nullcontext()

    def sum_count(self, count: int) -> int:
        """The sum over processes of a number that every process has."""
        return count

    def sum_tensor(self, tensor: Tensor) -> Tensor:
        return tensor

    def agree(self, flag: bool) -> bool:
        """True where any process says so."""
        return flag

    def clip_gradients(self, gradients: list[Tensor], max_norm: float | None) -> Tensor:
        """The Euclidean norm of all gradients before clipping, as a tensor: nobody waits for it.

        Gradients above ``max_norm`` are scaled down to it, as ``clip_grad_norm_`` does.
        """
        if not gradients:
            return torch.zeros((), device=self.device)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        if max_norm is not None and max_norm > 0:
            torch._foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))
        return norm

    def make_coordinator(self, **settings: Any) -> CheckpointCoordinator:
        return CheckpointCoordinator(**settings)


def _pick_device(
    args: TrainingArguments, environment: DistributedEnvironment | None
) -> torch.device:
    if args.use_cpu:
        return torch.device("cpu")
    if args.device is not None:
        return torch.device(args.device)
    if environment is not None:
        return environment.device
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
