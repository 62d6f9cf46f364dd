"""Norms of single parameters, to TensorBoard."""

from __future__ import annotations

from typing import Any

import torch

from forgather.ml.trainer.callbacks.norm_logger import NormLogger
from forgather.ml.trainer.state import TrainerState


class WeightNormLogger(NormLogger):
    def on_step_end(
        self, args: Any, state: TrainerState, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        if self.is_due(args, state.global_step):
            with torch.no_grad():
                norms = {
                    name: torch.linalg.vector_norm(parameter)
                    for name, parameter in self.selected(model)
                }
            self.write("weight_norm", norms, state.global_step)
