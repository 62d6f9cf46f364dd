"""A few steps under torch's profiler; the trace goes to a file for a viewer."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState

logger = logging.getLogger(__name__)


class ProfilerCallback(TrainerCallback):
    """start_step, num_steps: counted from where this process began.

    output_dir: None takes ``profile/`` in the run directory.
    """

    def __init__(
        self,
        start_step: int = 3,
        num_steps: int = 5,
        output_dir: str | None = None,
        with_stack: bool = False,
        with_flops: bool = False,
        record_shapes: bool = False,
    ) -> None:
        self.start_step = start_step
        self.num_steps = num_steps
        self.output_dir = output_dir
        self._options = {
            "with_stack": with_stack,
            "with_flops": with_flops,
            "record_shapes": record_shapes,
        }
        self._profiler: Any = None
        self._steps = 0

    def on_step_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._steps == self.start_step:
            self._profiler = torch.profiler.profile(**self._options)
            self._profiler.start()
        self._steps += 1

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._profiler is not None and self._steps == self.start_step + self.num_steps:
            self._write(state)

    def on_train_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._profiler is not None:
            self._write(state)

    def _write(self, state: TrainerState) -> None:
        self._profiler.stop()
        directory = Path(self.output_dir or Path(state.logging_dir) / "profile")
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / f"step_{state.global_step}.json"
        self._profiler.export_chrome_trace(str(path))
        logger.info("profile: %s\n%s", path, self._profiler.key_averages().table(row_limit=20))
        self._profiler = None
