"""What the user hands to a trainer. Data only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from forgather.ml.trainer.optimizers import OptimizerRecipe


@dataclass
class Ingredients:
    model: nn.Module | None = None
    model_init: Callable[[], nn.Module] | None = None
    train_dataset: Any = None
    eval_dataset: Any = None
    data_collator: Any = None
    compute_loss_func: Callable[..., torch.Tensor] | None = None
    fused_loss_factory: Callable[..., Any] | None = None
    enable_activation_checkpoint_fn: Callable[[nn.Module], Any] | None = None
    recipe: OptimizerRecipe = field(default_factory=OptimizerRecipe)
