"""Scaled dot-product attention, written out: the reference, and the one that returns weights."""

from typing import Any

import torch
from torch import Tensor, nn


def eager_attention_forward(
    module: nn.Module,
    query: Tensor,  # (B, H, T, D)
    key: Tensor,  # (B, K, S, D), K = key-value heads
    value: Tensor,  # (B, K, S, D)
    attention_mask: Tensor | None,  # additive, (B, 1, T, S)
    scaling: float,
    dropout: float = 0.0,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """``softmax(scaling * q k^T + mask) v``; returns output (B, T, H, D) and weights (B, H, T, S).

    "Attention Is All You Need", https://arxiv.org/abs/1706.03762, section 3.2. Each key-value head
    serves ``module.num_key_value_groups`` query heads. The softmax is taken in fp32.
    """
    groups = module.num_key_value_groups
    key = key.repeat_interleave(groups, dim=1)  # (B, H, S, D)
    value = value.repeat_interleave(groups, dim=1)
    scores = torch.matmul(query, key.transpose(2, 3)) * scaling  # (B, H, T, S)
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    weights = nn.functional.dropout(weights, p=dropout, training=module.training)
    output = torch.matmul(weights, value).transpose(1, 2).contiguous()  # (B, T, H, D)
    return output, weights
