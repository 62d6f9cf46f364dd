"""Next-token cross entropy on full logits.

``loss = sum over targets of -log p(target) / num_items``; a target is ``labels[:, 1:] != -100``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

IGNORE_INDEX = -100


def shifted_labels(labels: Tensor) -> Tensor:
    """``labels`` moved one place to the left, so that position t holds the target of logits t.

    The last position has no target. Shifting the labels instead of slicing the logits keeps the
    logits (B, T, V) contiguous: no copy of the largest tensor of the step.
    """
    return F.pad(labels[..., 1:], (0, 1), value=IGNORE_INDEX)


class CausalLoss:
    """``loss(logits (B, T, V), labels (B, T), num_items=None)``.

    num_items: what the sum is divided by; None divides by the targets in this very batch, and a
    batch without targets then gives 0 with a gradient of 0 (not NaN).
    """

    def __init__(self, compile: bool = False) -> None:
        self._sum = torch.compile(_loss_sum, dynamic=True) if compile else _loss_sum

    def __call__(self, logits: Tensor, labels: Tensor, num_items: int | None = None) -> Tensor:
        targets = shifted_labels(labels)
        if num_items is None:
            return self._sum(logits, targets) / (targets != IGNORE_INDEX).sum().clamp(min=1)
        return self._sum(logits, targets) / num_items


def _loss_sum(logits: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(
        logits.float().view(-1, logits.size(-1)),
        targets.reshape(-1),
        ignore_index=IGNORE_INDEX,
        reduction="sum",
    )
