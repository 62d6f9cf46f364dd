"""From arguments and factories to an optimizer and its schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from forgather.errors import ConfigError, RunError, did_you_mean
from forgather.ml.optim import AdamW
from forgather.ml.trainer.args import TrainingArguments

NamedParameters = Iterable[tuple[str, nn.Parameter]]


@dataclass(frozen=True)
class OptimizerRecipe:
    """What the trainer was given; None falls back to the Hugging Face fields of the arguments."""

    optimizer_factory: Callable[[NamedParameters], torch.optim.Optimizer] | None = None
    optimizer_cls_and_kwargs: tuple[Callable[..., torch.optim.Optimizer], dict] | None = None
    lr_scheduler_factory: Callable[[torch.optim.Optimizer], Any] | None = None

    def make_optimizer(self, model: nn.Module, args: TrainingArguments) -> torch.optim.Optimizer:
        trainable = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
        if not trainable:
            raise RunError("the model has no parameter to train (requires_grad is off for all)")
        if self.optimizer_factory is not None:
            return self.optimizer_factory(iter(trainable))
        if self.optimizer_cls_and_kwargs is not None:
            optimizer_class, kwargs = self.optimizer_cls_and_kwargs
            return optimizer_class(iter(trainable), **kwargs)
        return AdamW(
            trainable,
            lr=args.learning_rate,
            betas=(args.adam_beta1, args.adam_beta2),
            eps=args.adam_epsilon,
            weight_decay=args.weight_decay,
        )

    def make_scheduler(
        self, optimizer: torch.optim.Optimizer, args: TrainingArguments, max_steps: int
    ) -> Any:
        if self.lr_scheduler_factory is not None:
            return self.lr_scheduler_factory(optimizer)
        return _named_scheduler(optimizer, args, max_steps)


def _named_scheduler(
    optimizer: torch.optim.Optimizer, args: TrainingArguments, max_steps: int
) -> Any:
    # Late: it is seconds of imports, and most configs bring a factory.
    from transformers.optimization import TYPE_TO_SCHEDULER_FUNCTION, get_scheduler

    known = [kind.value for kind in TYPE_TO_SCHEDULER_FUNCTION]
    if args.lr_scheduler_type not in known:
        raise ConfigError(
            f"lr_scheduler_type is {args.lr_scheduler_type!r}",
            hint=did_you_mean(args.lr_scheduler_type, known),
        )
    return get_scheduler(
        args.lr_scheduler_type,
        optimizer=optimizer,
        num_warmup_steps=args.warmup_steps,
        num_training_steps=max_steps,
        scheduler_specific_kwargs=args.lr_scheduler_kwargs,
    )
