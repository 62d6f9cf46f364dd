"""Transformer layer with the norm before each sub-layer."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class PreLNLayer(nn.Module):
    """``x + dropout(f(norm(x)))`` for attention, then for the feed-forward network.

    "On Layer Normalization in the Transformer Architecture", https://arxiv.org/abs/2002.04745.
    dropout acts on the output of a sub-layer, residual_dropout on the residual branch beside it.

    Shapes: (B, T, D) -> (B, T, D).
    """

    def __init__(
        self,
        feedforward_factory: Callable[[], nn.Module],
        attention_factory: Callable[..., nn.Module],
        norm_factory: Callable[[], nn.Module],
        dropout: float = 0.0,
        residual_dropout: float = 0.0,
        layer_idx: int = 0,
    ) -> None:
        super().__init__()
        self.norm1 = norm_factory()
        self.attention = attention_factory(layer_idx=layer_idx)
        self.norm2 = norm_factory()
        self.feedforward = feedforward_factory()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.residual_dropout = nn.Dropout(residual_dropout) if residual_dropout else nn.Identity()

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        residual = self.residual_dropout(hidden_states)
        attended, _ = self.attention(self.norm1(hidden_states), **kwargs)
        hidden_states = residual + self.dropout(attended)

        residual = self.residual_dropout(hidden_states)
        return residual + self.dropout(self.feedforward(self.norm2(hidden_states)))
