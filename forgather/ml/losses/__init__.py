"""Losses: ``CausalLoss`` on logits, ``LinearCrossEntropyLoss`` on hidden states."""

from forgather.ml.losses.causal_loss import CausalLoss
from forgather.ml.losses.linear_cross_entropy import LinearCrossEntropyLoss

__all__ = ["CausalLoss", "LinearCrossEntropyLoss"]
