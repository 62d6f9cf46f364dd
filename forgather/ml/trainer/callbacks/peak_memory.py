"""Peak memory between two records: of the device, or of the process where there is no device."""

from __future__ import annotations

import logging
import resource
import sys
from pathlib import Path
from typing import Any

import torch

from forgather.ml.trainer.callbacks.quantities import si
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState

logger = logging.getLogger(__name__)


class PeakMemory(TrainerCallback):
    """do_log: adds ``peak_mem_allocated`` (CUDA) or ``peak_mem_process`` to the records.

    show_details: prints torch's memory summary at the end.
    enable_memory_snapshot: records allocations, and writes ``<file_prefix>_<step>.pickle`` for
    https://pytorch.org/memory_viz into the run directory at the end (CUDA only).
    """

    def __init__(
        self,
        show_details: bool = False,
        do_log: bool = True,
        enable_memory_snapshot: bool = False,
        file_prefix: str = "memory",
    ) -> None:
        self.show_details = show_details
        self.do_log = do_log
        self.enable_memory_snapshot = enable_memory_snapshot
        self.file_prefix = file_prefix
        self._has_device = torch.cuda.is_available()

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._has_device:
            torch.cuda.reset_peak_memory_stats()
            if self.enable_memory_snapshot:
                torch.cuda.memory._record_memory_history()

    def on_log_step(
        self, args: Any, state: TrainerState, control: Any, logs: dict[str, Any], **kwargs: Any
    ) -> None:
        if not self.do_log:
            return
        if self._has_device:
            logs["peak_mem_allocated"] = torch.cuda.max_memory_allocated()
            torch.cuda.reset_peak_memory_stats()
        else:
            logs["peak_mem_process"] = process_peak()

    def on_train_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if not self._has_device:
            logger.info("peak memory of the process: %sB", si(process_peak()))
            return
        if self.show_details:
            logger.info("%s", torch.cuda.memory_summary())
        if self.enable_memory_snapshot:
            name = f"{self.file_prefix}_{state.global_step}.pickle"
            torch.cuda.memory._dump_snapshot(str(Path(state.logging_dir) / name))
            torch.cuda.memory._record_memory_history(enabled=None)


def process_peak() -> int:
    """Bytes; Linux counts in kilobytes, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
