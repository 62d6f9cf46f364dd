"""Every record of the training in ``trainer_logs.json``: one JSON object a line, flushed at once.

The number of records is in each checkpoint. A resumed training that goes on in its old run
directory cuts the file back to that number, so the finished file has each record exactly once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState
from forgather.runs.layout import LOG_FILE
from forgather.runs.records import RecordWriter


class JsonLogger(TrainerCallback):
    """``info``: what the first line of the file says about the run."""

    def __init__(self, **info: Any) -> None:
        self.info = info
        self._writer: RecordWriter | None = None
        self._keep: int | None = None

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if state.is_world_process_zero:
            self._writer = open_records(args, state, LOG_FILE, self._keep, header=self.info)

    def on_log(
        self, args: Any, state: TrainerState, control: Any, logs: dict[str, Any], **kwargs: Any
    ) -> None:
        if self._writer is not None:
            self._writer.append(logs)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def state_dict(self) -> dict[str, Any]:
        return {"records": 0 if self._writer is None else self._writer.count}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._keep = state_dict["records"]


def open_records(
    args: Any,
    state: TrainerState,
    name: str,
    keep: int | None,
    header: dict[str, Any] | None = None,
) -> RecordWriter:
    """A record file of the run: new, or cut back to ``keep`` records if it is there already.

    keep: what the checkpoint knows; None where there is none. A training that was to be resumed and was
    killed before its first checkpoint begins its file again; any other does not touch one that is there.
    """
    path = Path(state.logging_dir) / name
    if keep is None and args.resume_from_checkpoint:
        keep = 0
    return RecordWriter(path, header=header, keep=keep if path.exists() else None)
