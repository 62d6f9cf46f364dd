"""Keeps the text of the config in the run directory, as ``config.yaml``."""

from __future__ import annotations

from typing import Any

from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState
from forgather.runs.snapshot import write_snapshot


class ConfigSnapshot(TrainerCallback):
    def __init__(self, text: str) -> None:
        self.text = text

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            write_snapshot(state.logging_dir, self.text)
