"""A TensorBoard writer that may be made before the run directory is known, and may be resumed.

It opens on first use, so a config can build it and hand it to several callbacks. On a resume what
lies behind the checkpoint's step is purged from the curves; so is all that a training wrote which was
killed before its first checkpoint, and begins again in the same run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


class ResumableSummaryWriter:
    """``log_dir``: None takes the run directory of the training. Methods: those of SummaryWriter."""

    def __init__(self, log_dir: str | Path | None = None, **kwargs: Any) -> None:
        self.log_dir = log_dir
        self._kwargs = kwargs
        self._purge_step: int | None = None
        self._writer: Any = None

    def begin(self, args: Any, state: Any) -> None:
        """Called by callbacks when the training begins; more than once does no harm."""
        if self._writer is not None:
            return
        if self.log_dir is None or state.resumed_from:
            self.log_dir = state.logging_dir
        if state.resumed_from:
            self._purge_step = state.global_step + 1
        elif args.resume_from_checkpoint:  # it may have been killed before its first checkpoint
            self._purge_step = 0

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._open(), name)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def flush(self) -> None:
        if self._writer is not None:
            self._writer.flush()

    def _open(self) -> Any:
        if self._writer is None:
            # Late: tensorboard's import takes a second, and many runs do without.
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(
                log_dir=None if self.log_dir is None else str(self.log_dir),
                purge_step=self._purge_step,
                **self._kwargs,
            )
        return self._writer


def begin_writer(writer: Any, args: Any, state: Any) -> None:
    """Tell a resumable writer where the run is; a plain SummaryWriter knows its place."""
    if isinstance(writer, ResumableSummaryWriter):
        writer.begin(args, state)
