"""Gradient norms of single parameters, to TensorBoard."""

from __future__ import annotations

from typing import Any

import torch

from forgather.ml.trainer.callbacks.norm_logger import NormLogger
from forgather.ml.trainer.state import TrainerState


class GradLogger(NormLogger):
    def on_pre_optimizer_step(
        self, args: Any, state: TrainerState, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        step = state.global_step + 1  # the step is counted when it is done
        if self.is_due(args, step):
            norms = {
                name: torch.linalg.vector_norm(parameter.grad)
                for name, parameter in self.selected(model)
                if parameter.grad is not None
            }
            self.write("grad_norm", norms, step)
