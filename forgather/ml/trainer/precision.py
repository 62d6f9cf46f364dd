"""Number formats of a step: autocast, and the gradient scaler that fp16 needs."""

from __future__ import annotations

import contextlib

import torch

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
_INITIAL_SCALE = 2.0**16


class Precision:
    """mixed_precision: None or "no" (as the model is), "bf16" or "fp16"."""

    def __init__(self, mixed_precision: str | None, device: torch.device) -> None:
        self._device = device.type
        self._dtype = _DTYPES.get(mixed_precision or "no")
        self.scaler: torch.amp.GradScaler | None = None
        if self._dtype is torch.float16:
            self.scaler = torch.amp.GradScaler(self._device, init_scale=_INITIAL_SCALE)

    def autocast(self) -> contextlib.AbstractContextManager[None]:
        if self._dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self._device, dtype=self._dtype)
