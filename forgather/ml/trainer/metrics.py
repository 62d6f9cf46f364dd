"""What is counted between two log records, and how fast it went.

Nothing here waits for the device until a record is made: losses and norms stay tensors, and one
transfer brings them all. Speed is measured in this process only, so that tokens per second are
right from the first record after a resume.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

_FOLD = 1024  # so many steps are kept one by one before they are summed


class IntervalMetrics:
    """Loss (mean over target tokens) and gradient norm (RMS and maximum) since the last record.

    The sums since the beginning of the training are kept beside. The state is exact: an interval
    that a checkpoint cuts in two gives the same record as one that was not cut.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._losses: list[Tensor] = []
        self._norms: list[Tensor] = []
        self._tokens: list[int] = []
        self._sums = [0.0, 0.0, 0.0, 0.0]  # loss * tokens, norm^2, steps, maximal norm
        self.tokens = 0
        self._total_loss = 0.0
        self._total_tokens = 0

    def __bool__(self) -> bool:
        return bool(self._losses) or self._sums[2] > 0

    def add(self, loss: Tensor, norm: Tensor, tokens: int) -> None:
        self._losses.append(loss)
        self._norms.append(norm)
        self._tokens.append(tokens)
        self.tokens += tokens
        if len(self._losses) == _FOLD:
            self._fold()

    def take(self) -> dict[str, float]:
        """The interval's values; a new interval begins."""
        self._fold()
        loss_sum, square_sum, steps, maximum = self._sums
        values = {
            "loss": loss_sum / max(self.tokens, 1),
            "grad_norm": (square_sum / max(steps, 1)) ** 0.5,
            "max_grad_norm": maximum,
            "tokens": self.tokens,
        }
        self._total_loss += loss_sum
        self._total_tokens += self.tokens
        self._sums = [0.0, 0.0, 0.0, 0.0]
        self.tokens = 0
        return values

    def mean_loss(self) -> float:
        """Over all target tokens of the training, up to the last ``take``."""
        return self._total_loss / max(self._total_tokens, 1)

    def _fold(self) -> None:
        """One transfer from the device; the arithmetic is float64 on the CPU."""
        if not self._losses:
            return
        values = torch.stack([*self._losses, *self._norms]).double().cpu()
        count = len(self._losses)
        losses, norms = values[:count], values[count:]
        tokens = torch.tensor(self._tokens, dtype=torch.float64)
        # A step without targets has no loss; 0 * nan must not spoil the others.
        weighted = torch.where(tokens > 0, losses * tokens, 0.0)
        self._sums[0] += weighted.sum().item()
        self._sums[1] += norms.square().sum().item()
        self._sums[2] += count
        self._sums[3] = torch.maximum(norms.max(), torch.tensor(self._sums[3])).item()
        self._losses, self._norms, self._tokens = [], [], []

    def state_dict(self) -> dict[str, Any]:
        return {
            "losses": torch.stack(self._losses).cpu() if self._losses else torch.empty(0),
            "norms": torch.stack(self._norms).cpu() if self._norms else torch.empty(0),
            "step_tokens": list(self._tokens),
            "sums": list(self._sums),
            "tokens": self.tokens,
            "total_loss": self._total_loss,
            "total_tokens": self._total_tokens,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._losses = list(state_dict["losses"].to(self._device).unbind())
        self._norms = list(state_dict["norms"].to(self._device).unbind())
        self._tokens = list(state_dict["step_tokens"])
        self._sums = list(state_dict["sums"])
        self.tokens = state_dict["tokens"]
        self._total_loss = state_dict["total_loss"]
        self._total_tokens = state_dict["total_tokens"]


class SpeedMeter:
    """Seconds spent in steps (not in evaluation, logging or saving), tokens, operations, samples.

    The first ``skip_steps`` steps of this process warm up and do not count for the whole.
    """

    def __init__(self, skip_steps: int = 0) -> None:
        self._skip = skip_steps
        self._steps = 0
        self._interval = [0.0, 0, 0]  # seconds, tokens, operations
        self._whole = [0.0, 0, 0, 0, 0]  # seconds, tokens, operations, samples, steps
        self.started = time.perf_counter()
        self._since = self.started

    def count(self, tokens: int, operations: int, samples: int) -> None:
        interval, whole = self._interval, self._whole
        interval[1] += tokens
        interval[2] += operations
        self._steps += 1
        if self._steps > self._skip:
            whole[1] += tokens
            whole[2] += operations
            whole[3] += samples
            whole[4] += 1
        elif self._steps == self._skip:
            self._stop_clock()
            whole[0] = 0.0

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._stop_clock()
        try:
            yield
        finally:
            self._since = time.perf_counter()

    def take(self) -> dict[str, float]:
        """Rates since the last call."""
        self._stop_clock()
        seconds, tokens, operations = self._interval
        self._interval = [0.0, 0, 0]
        if seconds <= 0:
            return {"seconds": 0.0, "tokens_per_second": 0.0, "flops_per_second": 0.0}
        return {
            "seconds": seconds,
            "tokens_per_second": tokens / seconds,
            "flops_per_second": operations / seconds,
        }

    def whole(self) -> dict[str, float]:
        """Rates over this process's steps, warm-up left out."""
        self._stop_clock()
        seconds, tokens, operations, samples, steps = self._whole
        rate = 1 / seconds if seconds > 0 and steps > 0 else 0.0
        return {
            "train_runtime": time.perf_counter() - self.started,
            "train_samples_per_second": samples * rate,
            "train_steps_per_second": steps * rate,
            "tokens_per_second": tokens * rate,
            "flops_per_second": operations * rate,
        }

    def _stop_clock(self) -> None:
        now = time.perf_counter()
        self._interval[0] += now - self._since
        self._whole[0] += now - self._since
        self._since = now
