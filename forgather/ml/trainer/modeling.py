"""The module to train: made, put on its device, set up for checkpointing, compiled."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from forgather.errors import RunError
from forgather.ml.trainer.args import TrainingArguments
from forgather.ml.trainer.ingredients import Ingredients
from forgather.ml.trainer.strategy import OneDevice


def make_model(args: TrainingArguments, strategy: OneDevice, given: Ingredients) -> nn.Module:
    """The model on its device, ready to train, not compiled."""
    if given.model is not None:
        model = given.model
    else:
        on_device = args.construct_model_on == "device"
        place = strategy.device if on_device else contextlib.nullcontext()
        with _default_dtype(args.torch_dtype), place:
            model = given.model_init()
        if not isinstance(model, nn.Module):
            raise RunError(f"model_init returned a {type(model).__name__}, not a module")
    model.to(strategy.device)
    model.train()
    if args.gradient_checkpointing:
        _enable_checkpointing(model, given.enable_activation_checkpoint_fn)
    return model


def compile_model(args: TrainingArguments, model: nn.Module) -> None:
    """In place, so that no name of a weight changes; after loading, before the first step."""
    if args.torch_compile:
        model.compile(
            backend=args.torch_compile_backend or "inductor",
            mode=None if args.torch_compile_mode == "default" else args.torch_compile_mode,
            dynamic=args.torch_compile_dynamic,
            fullgraph=args.torch_compile_full_graph,
        )


def _enable_checkpointing(model: nn.Module, enable: Callable[[nn.Module], Any] | None) -> None:
    if enable is not None:
        enable(model)
    elif hasattr(model, "activation_checkpointing_enable"):  # the newer name in transformers
        model.activation_checkpointing_enable()
    elif hasattr(model, "gradient_checkpointing_enable"):
        model.gradient_checkpointing_enable()
    else:
        raise RunError(
            f"gradient_checkpointing is on, but {type(model).__name__} has no "
            "gradient_checkpointing_enable()",
            hint="give the trainer an enable_activation_checkpoint_fn",
        )


@contextlib.contextmanager
def _default_dtype(dtype: torch.dtype | None) -> Iterator[None]:
    previous = torch.get_default_dtype()
    if dtype is not None:
        torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(previous)
