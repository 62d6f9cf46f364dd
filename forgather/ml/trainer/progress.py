"""The ``trainer`` component of a checkpoint: progress, and everything small that shapes numbers
or records: the interval since the last record, callbacks, best list, gradient scaler, run directory.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from forgather.ml.checkpoint import BestCheckpoints
from forgather.ml.trainer.events import EventBus
from forgather.ml.trainer.metrics import IntervalMetrics
from forgather.ml.trainer.precision import Precision

logger = logging.getLogger(__name__)


class TrainingProgress:
    def __init__(
        self,
        bus: EventBus,
        metrics: IntervalMetrics,
        best: BestCheckpoints,
        precision: Precision,
        output_dir: str | Path,
    ) -> None:
        self._bus = bus
        self._metrics = metrics
        self._best = best
        self._precision = precision
        self._output_dir = Path(output_dir).absolute()

    def state_dict(self) -> dict[str, Any]:
        scaler = self._precision.scaler
        return {
            "state": self._bus.state.state_dict(),
            "metrics": self._metrics.state_dict(),
            "best": self._best.state_dict(),
            "grad_scaler": None if scaler is None else scaler.state_dict(),
            "callbacks": self._bus.state_dict(),
            "logging_dir": self._relative_run(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._bus.state.load_state_dict(state_dict["state"])
        self._metrics.load_state_dict(state_dict["metrics"])
        self._best.load_state_dict(state_dict["best"])
        if self._precision.scaler is not None and state_dict["grad_scaler"]:
            self._precision.scaler.load_state_dict(state_dict["grad_scaler"])
        self._return_to_run(state_dict["logging_dir"])
        for key in self._bus.load_state_dict(state_dict["callbacks"]):
            logger.warning("the checkpoint holds the state of callback %s, which is not here", key)

    def _relative_run(self) -> str | None:
        """The run directory below the output directory; both may move together."""
        run = Path(self._bus.state.logging_dir).absolute()
        if not run.is_relative_to(self._output_dir):
            return None
        return run.relative_to(self._output_dir).as_posix()

    def _return_to_run(self, relative: str | None) -> None:
        """A resumed training goes on in the run directory it began, if that is still there."""
        if relative is not None and (self._output_dir / relative).is_dir():
            self._bus.state.logging_dir = str(self._output_dir / relative)
