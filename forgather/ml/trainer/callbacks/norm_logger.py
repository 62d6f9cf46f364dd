"""What :class:`GradLogger` and :class:`WeightNormLogger` have in common: which tensors, how often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from forgather.errors import ConfigError
from forgather.ml.trainer.callbacks.summary_writer import begin_writer
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState


class NormLogger(TrainerCallback):
    """regexes: names of parameters (searched); None takes all.

    log_steps: at multiples of this step; None: ``logging_steps``.
    """

    def __init__(
        self,
        summary_writer: Any,
        regexes: Sequence[str] | None = None,
        log_steps: int | None = None,
    ) -> None:
        self.writer = summary_writer
        self._patterns = [re.compile(pattern) for pattern in regexes or [""]]
        self.log_steps = log_steps

    def on_train_begin(
        self, args: Any, state: TrainerState, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        begin_writer(self.writer, args, state)
        if not list(self.selected(model)):
            shown = ", ".join(pattern.pattern for pattern in self._patterns)
            raise ConfigError(f"{type(self).__name__}: no parameter matches {shown}")

    def is_due(self, args: Any, step: int) -> bool:
        return step % (self.log_steps or args.logging_steps) == 0

    def selected(self, model: Any) -> Iterable[tuple[str, torch.nn.Parameter]]:
        for name, parameter in model.named_parameters():
            if any(pattern.search(name) for pattern in self._patterns):
                yield name, parameter

    def write(self, prefix: str, norms: dict[str, torch.Tensor], step: int) -> None:
        if not norms:
            return
        # One transfer for all.
        values = torch.stack([norm.float() for norm in norms.values()]).tolist()
        for name, value in zip(norms, values, strict=True):
            self.writer.add_scalar(f"{prefix}/{name}", value, step)
