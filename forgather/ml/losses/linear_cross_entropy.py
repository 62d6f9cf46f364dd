"""Output projection and next-token cross entropy in one, without ever holding all logits.

The logits of a (B, T, V) batch are the largest tensor of a training step. Here rows are taken in
chunks: logits of a chunk are made, turned into their own gradient at once, multiplied into the
gradients of the hidden states and of the weight, and dropped. Forward therefore computes the
gradients too (they are scaled in backward), and memory is O(chunk x V) instead of O(B x T x V).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from forgather.errors import ConfigError, did_you_mean
from forgather.ml.losses.causal_loss import IGNORE_INDEX, shifted_labels

IMPLEMENTATIONS = ("auto", "pytorch")


class LinearCrossEntropyLoss:
    """``loss(hidden_states (B, T, D), labels (B, T), num_items=None)``.

    output_embeddings: the ``nn.Linear`` that makes logits (bias or not).
    chunk_size: rows (tokens) whose logits exist at one time.
    """

    def __init__(
        self,
        output_embeddings: nn.Module,
        impl: str = "auto",
        chunk_size: int = 4096,
        ignore_index: int = IGNORE_INDEX,
        compile: bool = False,
    ) -> None:
        if impl not in IMPLEMENTATIONS:
            raise ConfigError(
                f"impl of LinearCrossEntropyLoss is {impl!r}",
                hint=did_you_mean(impl, IMPLEMENTATIONS),
            )
        if chunk_size < 1:
            raise ConfigError(f"chunk_size is {chunk_size}; it must be at least 1")
        self.output_embeddings = output_embeddings
        self.chunk_size = chunk_size
        self.ignore_index = ignore_index
        self._chunk = torch.compile(_chunk_gradient) if compile else _chunk_gradient

    def __call__(self, hidden: Tensor, labels: Tensor, num_items: int | None = None) -> Tensor:
        targets = shifted_labels(labels)
        if self.ignore_index != IGNORE_INDEX:
            targets = targets.masked_fill(targets == self.ignore_index, IGNORE_INDEX)
        bias = getattr(self.output_embeddings, "bias", None)
        total = _LinearCrossEntropy.apply(
            hidden.reshape(-1, hidden.size(-1)),
            self.output_embeddings.weight,
            bias,
            targets.reshape(-1),
            self.chunk_size,
            self._chunk,
        )
        if num_items is None:
            return total / (targets != IGNORE_INDEX).sum().clamp(min=1)
        return total / num_items


def _chunk_gradient(
    rows: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Summed loss of some rows and the gradient of it by their logits (N, V)."""
    logits = F.linear(rows, weight, bias).float()  # (N, V)
    log_z = torch.logsumexp(logits, dim=-1, keepdim=True)  # (N, 1)
    valid = targets != IGNORE_INDEX
    safe = targets.masked_fill(~valid, 0).unsqueeze(-1)  # (N, 1)
    loss = (log_z - logits.gather(-1, safe)).squeeze(-1).masked_fill(~valid, 0.0).sum()
    gradient = torch.exp(logits - log_z)
    gradient.scatter_add_(-1, safe, torch.full_like(log_z, -1.0))
    return loss, gradient.masked_fill_(~valid.unsqueeze(-1), 0.0)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        chunk_size: int,
        chunk_gradient: Any,
    ) -> Tensor:
        wants_gradient = any(ctx.needs_input_grad[:3])
        loss = hidden.new_zeros((), dtype=torch.float32)
        d_hidden = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        d_weight = torch.zeros_like(weight, dtype=torch.float32) if wants_gradient else None
        d_bias = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
        # Autocast reaches autograd functions too: do the products in the type of the rows.
        cast = weight.to(hidden.dtype)
        cast_bias = None if bias is None else bias.to(hidden.dtype)
        for start in range(0, hidden.size(0), chunk_size):
            part = slice(start, start + chunk_size)
            chunk_loss, gradient = chunk_gradient(hidden[part], cast, cast_bias, targets[part])
            loss += chunk_loss
            if not wants_gradient:
                continue
            if d_bias is not None:
                d_bias += gradient.sum(0)
            gradient = gradient.to(hidden.dtype)
            if d_hidden is not None:
                d_hidden[part] = gradient @ cast
            d_weight += gradient.t() @ hidden[part]
        ctx.gradients = (d_hidden, d_weight, d_bias)
        ctx.types = (weight.dtype, None if bias is None else bias.dtype)
        return loss

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor | None, ...]:
        d_hidden, d_weight, d_bias = ctx.gradients
        weight_type, bias_type = ctx.types
        return (
            None if d_hidden is None else d_hidden * scale.to(d_hidden.dtype),
            None if d_weight is None else (d_weight * scale).to(weight_type),
            None if d_bias is None else (d_bias * scale).to(bias_type),
            None,
            None,
            None,
        )
