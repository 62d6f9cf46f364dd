"""From a micro-batch to its part of the step's loss.

The loss of an optimizer step is *sum over its target tokens / number of its target tokens*, over
all micro-batches together. So a micro-batch with n of the step's N targets contributes
``mean_loss * n / N``, and any split of a batch gives the same gradient.

Targets are ``labels != -100``; labels of shape (B, T) belong to a next-token model, whose first
column is no target. A loss function that counts otherwise says so by ``count_targets(labels)``.
"""

from __future__ import annotations

import abc
import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from forgather.errors import DataError, RunError

Batch = dict[str, Any]
LossFunction = Callable[..., Tensor]

_IGNORE = -100
_COUNT_ARGUMENTS = ("num_items", "num_items_in_batch")


def count_targets(labels: Tensor) -> int:
    """Waits for the device where labels live on one; the loader's batches are on the CPU."""
    targets = labels[..., 1:] if labels.dim() > 1 else labels
    return int((targets != _IGNORE).sum())


class Objective(abc.ABC):
    """``objective(batch, targets, num_items)`` -> loss to be summed over the micro-batches."""

    def __init__(self, model: nn.Module, loss_function: LossFunction | None) -> None:
        self.model = model
        self.count_targets = getattr(loss_function, "count_targets", count_targets)

    def targets_in(self, batch: Batch) -> int:
        labels = batch.get("labels")
        if labels is None:
            raise DataError(
                f"a batch holds {', '.join(batch) or 'nothing'}, but no 'labels'",
                hint="use DataCollatorForCausalLM, or let the dataset give labels",
            )
        return self.count_targets(labels)

    @abc.abstractmethod
    def __call__(self, batch: Batch, targets: int, num_items: int) -> Tensor: ...


class ModelObjective(Objective):
    """The model gets the labels and returns its own loss, a mean over the batch's targets."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model, None)

    def __call__(self, batch: Batch, targets: int, num_items: int) -> Tensor:
        output = self.model(**batch)
        loss = output.get("loss") if isinstance(output, dict) else getattr(output, "loss", None)
        if loss is None and isinstance(output, tuple):
            loss = output[0]
        if not isinstance(loss, Tensor) or loss.dim() != 0:
            raise RunError(
                f"{type(self.model).__name__} returned no loss for a batch with labels",
                hint="give the trainer a compute_loss_func, for example "
                "forgather.ml.losses:CausalLoss",
            )
        return loss if targets == num_items else loss * (targets / num_items)


class _FunctionObjective(Objective):
    """A loss function of the model's output and the labels; the model does not see the labels."""

    extra: dict[str, Any] = {}  # noqa: RUF012  overridden, never changed

    def __init__(self, model: nn.Module, loss_function: LossFunction) -> None:
        super().__init__(model, loss_function)
        self._loss = loss_function
        self._count_argument = _count_argument(loss_function)

    def __call__(self, batch: Batch, targets: int, num_items: int) -> Tensor:
        inputs = dict(batch)
        labels = inputs.pop("labels")
        output = self.read(self.model(**inputs, **self.extra))
        if self._count_argument is not None:
            return self._loss(output, labels, **{self._count_argument: num_items})
        loss = self._loss(output, labels)
        return loss if targets == num_items else loss * (targets / num_items)

    @staticmethod
    @abc.abstractmethod
    def read(output: Any) -> Tensor: ...


class LogitsObjective(_FunctionObjective):
    """``compute_loss_func(logits, labels)``."""

    @staticmethod
    def read(output: Any) -> Tensor:
        return _tensor_of(output, "logits")


class HiddenStateObjective(_FunctionObjective):
    """A fused loss: ``loss(hidden_states, labels)``, with the output projection inside the loss."""

    extra = {"return_hidden_states": True}  # noqa: RUF012

    @staticmethod
    def read(output: Any) -> Tensor:
        return _tensor_of(output, "hidden_states")


def make_objective(
    model: nn.Module,
    inner: nn.Module,
    compute_loss_func: LossFunction | None,
    fused_loss_factory: Callable[[nn.Module], LossFunction] | None,
) -> Objective:
    """``model`` is what is called (wrapped perhaps); ``inner`` is the user's module."""
    if fused_loss_factory is not None:
        if not hasattr(inner, "get_output_embeddings"):
            raise RunError(f"a fused loss needs {type(inner).__name__}.get_output_embeddings()")
        return HiddenStateObjective(model, fused_loss_factory(inner.get_output_embeddings()))
    if compute_loss_func is not None:
        return LogitsObjective(model, compute_loss_func)
    return ModelObjective(model)


def _count_argument(loss_function: LossFunction) -> str | None:
    try:
        parameters = inspect.signature(loss_function).parameters
    except (TypeError, ValueError):
        return None
    return next((name for name in _COUNT_ARGUMENTS if name in parameters), None)


def _tensor_of(output: Any, name: str) -> Tensor:
    if isinstance(output, Tensor):
        return output
    found = output.get(name) if isinstance(output, dict) else getattr(output, name, None)
    if found is None and isinstance(output, tuple) and output:
        found = output[0]
    if not isinstance(found, torch.Tensor):
        raise RunError(f"the model's output ({type(output).__name__}) holds no {name}")
    return found
