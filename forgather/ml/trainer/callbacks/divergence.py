"""Detectors of a training that goes wrong: a fast average of the loss leaves a slow one.

``action``: "stop" ends the training after this step (it is saved as at any end), "abort" ends it
without a final checkpoint, so that the last good one stays the latest.
"""

from __future__ import annotations

import abc
import logging
from collections import deque
from typing import Any

from forgather.errors import ConfigError
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerControl, TrainerState

logger = logging.getLogger(__name__)

_ACTIONS = ("stop", "abort")


class _Detector(TrainerCallback, abc.ABC):
    def __init__(
        self,
        threshold: float = 2.0,
        action: str = "stop",
        use_eval_loss: bool = True,
        metric_key: str | None = None,
    ) -> None:
        if action not in _ACTIONS:
            raise ConfigError(f"action is {action!r}; it must be one of {', '.join(_ACTIONS)}")
        self.threshold = threshold
        self.action = action
        self.metric_key = metric_key or ("eval_loss" if use_eval_loss else "loss")

    def on_log(
        self,
        args: Any,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any],
        **kwargs: Any,
    ) -> None:
        if self.metric_key not in logs:
            return
        value = float(logs[self.metric_key])
        gap = self.gap(value)
        # Not "gap >= threshold": a NaN must trigger, too.
        if gap is None or gap < self.threshold:
            return
        logger.warning(
            "%s: %s = %g diverges at step %d (%g above its average, threshold %g): %s",
            type(self).__name__,
            self.metric_key,
            value,
            state.global_step,
            gap,
            self.threshold,
            self.action,
        )
        control.should_training_stop = True
        control.should_abort_without_save = self.action == "abort"

    @abc.abstractmethod
    def gap(self, value: float) -> float | None:
        """How far the fast average lies above the slow one; None where it is too early to say."""


class DualTimeScaleDivergenceDetector(_Detector):
    """Two exponential averages, ``average += alpha * (value - average)``."""

    def __init__(
        self,
        short_alpha: float = 0.1,
        long_alpha: float = 0.01,
        threshold: float = 2.0,
        action: str = "stop",
        use_eval_loss: bool = True,
        metric_key: str | None = None,
    ) -> None:
        super().__init__(threshold, action, use_eval_loss, metric_key)
        if not 0 < long_alpha < short_alpha <= 1:
            raise ConfigError(
                f"0 < long_alpha < short_alpha <= 1 must hold, not {long_alpha}, {short_alpha}"
            )
        self.short_alpha = short_alpha
        self.long_alpha = long_alpha
        self.short: float | None = None
        self.long: float | None = None

    def gap(self, value: float) -> float | None:
        if self.short is None or self.long is None:
            self.short = self.long = value
            return None if value == value else float("nan")
        self.short += self.short_alpha * (value - self.short)
        self.long += self.long_alpha * (value - self.long)
        return self.short - self.long

    def state_dict(self) -> dict[str, Any]:
        return {"short": self.short, "long": self.long}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.short = state_dict["short"]
        self.long = state_dict["long"]


class DualWindowDivergenceDetector(_Detector):
    """Means of the last few and of the last many values; waits until the long window is full."""

    def __init__(
        self,
        short_window: int = 10,
        long_window: int = 100,
        threshold: float = 2.0,
        action: str = "stop",
        use_eval_loss: bool = True,
        metric_key: str | None = None,
    ) -> None:
        super().__init__(threshold, action, use_eval_loss, metric_key)
        if not 0 < short_window < long_window:
            raise ConfigError(
                f"0 < short_window < long_window must hold, not {short_window}, {long_window}"
            )
        self.short_window = short_window
        self.values: deque[float] = deque(maxlen=long_window)

    def gap(self, value: float) -> float | None:
        self.values.append(value)
        if value != value:
            return value
        if len(self.values) < (self.values.maxlen or 0):
            return None
        recent = list(self.values)[-self.short_window :]
        return sum(recent) / len(recent) - sum(self.values) / len(self.values)

    def state_dict(self) -> dict[str, Any]:
        return {"values": list(self.values)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.values.extend(state_dict["values"])
