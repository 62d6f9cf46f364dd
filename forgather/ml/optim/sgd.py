"""Plain stochastic gradient descent: ``p <- p - lr * g``, torch's fused kernel."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from forgather.ml.optim.fused import can_fuse, materialized


class SGD(torch.optim.SGD):
    """params: tensors, ``(name, tensor)`` pairs, or parameter groups."""

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict],
        lr: float = 1e-3,
    ) -> None:
        params = materialized(params)
        super().__init__(params, lr=lr, fused=can_fuse(params) or None)
