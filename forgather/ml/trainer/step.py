"""One optimizer step: the micro-batches of a window, clipping, the update, the schedule.

It knows no schedule of events and no files. Nothing in it waits for the device.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from forgather.ml.trainer.events import EventBus
from forgather.ml.trainer.flops import FlopCounter
from forgather.ml.trainer.objective import Batch, Objective
from forgather.ml.trainer.precision import Precision
from forgather.ml.trainer.strategy import OneDevice

logger = logging.getLogger(__name__)


class StepResult(NamedTuple):
    """loss and grad_norm are tensors on the device; the rest is counted on the host."""

    loss: Tensor
    grad_norm: Tensor
    tokens: int
    samples: int
    operations: int


class OptimizerStep:
    """``run(window)`` trains on a list of micro-batches as on one batch."""

    def __init__(
        self,
        *,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        lr_scheduler: Any,
        objective: Objective,
        precision: Precision,
        strategy: OneDevice,
        bus: EventBus,
        max_grad_norm: float | None,
    ) -> None:
        self.optimizer = optimizer
        self.lr_scheduler = lr_scheduler
        self.objective = objective
        self.precision = precision
        self.strategy = strategy
        self.bus = bus
        self.max_grad_norm = max_grad_norm
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.count_operations = FlopCounter(model)
        self._zero = torch.zeros((), device=strategy.device)

    def run(self, window: list[Batch]) -> StepResult:
        targets = [self.objective.targets_in(batch) for batch in window]
        num_items = self.strategy.sum_count(sum(targets))
        loss = self._zero
        samples = operations = 0
        for number, batch in enumerate(window):
            rows, columns = _shape(batch)
            samples += rows
            operations += self.count_operations(rows, columns)
            # Without targets there is nothing to learn, and a mean over nothing is NaN.
            if targets[number] > 0:
                is_last = number == len(window) - 1
                loss = loss + self._backward(batch, targets[number], num_items, is_last=is_last)
            if self.bus.heard("on_substep_end") and number < len(window) - 1:
                self.bus.emit("on_substep_end")
        norm = self._update() if num_items > 0 else self._skip()
        return StepResult(loss, norm, num_items, samples, operations)

    def _backward(self, batch: Batch, targets: int, num_items: int, *, is_last: bool) -> Tensor:
        with self.strategy.micro_batch(is_last=is_last):
            with self.precision.autocast():
                loss = self.objective(to_device(batch, self.strategy.device), targets, num_items)
            scaler = self.precision.scaler
            (loss if scaler is None else scaler.scale(loss)).backward()
        return loss.detach()

    def _update(self) -> Tensor:
        scaler = self.precision.scaler
        if scaler is not None:
            scaler.unscale_(self.optimizer)
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norm = self.strategy.clip_gradients(gradients, self.max_grad_norm)
        if self.bus.heard("on_pre_optimizer_step"):
            self.bus.emit("on_pre_optimizer_step")
        if scaler is None:
            self.optimizer.step()
        else:
            self._scaled_step(scaler)
        self._drop_gradients()
        if self.bus.heard("on_optimizer_step"):
            self.bus.emit("on_optimizer_step")
        self.lr_scheduler.step()
        return norm

    def _scaled_step(self, scaler: torch.amp.GradScaler) -> None:
        before = scaler.get_scale()
        scaler.step(self.optimizer)
        scaler.update()
        if scaler.get_scale() < before:
            logger.warning("fp16 gradients overflowed: this step changes no weight")
            self._empty_step()

    def _empty_step(self) -> None:
        """A step without gradients, which changes nothing: schedules want to see one first."""
        self._drop_gradients()
        self.optimizer.step()

    def _drop_gradients(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None

    def _skip(self) -> Tensor:
        logger.warning("a whole optimizer step without a target token: no weight is changed")
        self._empty_step()
        self.lr_scheduler.step()
        return self._zero


def _shape(batch: Batch) -> tuple[int, int]:
    """Rows and positions of a micro-batch."""
    shape = batch["labels"].shape
    inputs = batch.get("input_ids")
    if isinstance(inputs, Tensor) and inputs.dim() > 1:
        shape = inputs.shape
    return shape[0], shape[1] if len(shape) > 1 else 1


def to_device(batch: Batch, device: torch.device) -> Batch:
    if device.type == "cpu":
        return batch
    return {
        name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for name, value in batch.items()
    }
