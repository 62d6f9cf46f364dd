"""Records as TensorBoard scalars: ``train/<key>``, ``eval/<key>``; the info as text."""

from __future__ import annotations

from typing import Any

from forgather.ml.trainer.callbacks.summary_writer import ResumableSummaryWriter, begin_writer
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState

_NO_CURVES = ("timestamp", "global_step")


class TBLogger(TrainerCallback):
    """summary_writer: None makes one in the run directory."""

    def __init__(self, summary_writer: Any = None, **info: Any) -> None:
        self.writer = summary_writer if summary_writer is not None else ResumableSummaryWriter()
        self.info = info

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if not state.is_world_process_zero:
            return
        begin_writer(self.writer, args, state)
        if not state.resumed_from:
            for name, value in self.info.items():
                self.writer.add_text(name, f"```\n{value}\n```", 0)

    def on_log(
        self, args: Any, state: TrainerState, control: Any, logs: dict[str, Any], **kwargs: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        for key, value in logs.items():
            if key in _NO_CURVES or not isinstance(value, int | float):
                continue
            name = f"eval/{key[5:]}" if key.startswith("eval_") else f"train/{key}"
            self.writer.add_scalar(name, value, state.global_step)

    def on_save(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self.writer.flush()

    def close(self) -> None:
        self.writer.close()
