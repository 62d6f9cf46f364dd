"""Transformer layer with the norm after each sub-layer, as in the original transformer."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class PostLNLayer(nn.Module):
    """``norm(x + dropout(f(x)))`` for attention, then for the feed-forward network.

    "Attention Is All You Need", https://arxiv.org/abs/1706.03762. dropout acts on the output of a
    sub-layer, residual_dropout on the residual branch beside it.

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
        self.attention = attention_factory(layer_idx=layer_idx)
        self.norm1 = norm_factory()
        self.feedforward = feedforward_factory()
        self.norm2 = norm_factory()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.residual_dropout = nn.Dropout(residual_dropout) if residual_dropout else nn.Identity()

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        attended, _ = self.attention(hidden_states, **kwargs)
        hidden_states = self.norm1(self.residual_dropout(hidden_states) + self.dropout(attended))

        output = self.dropout(self.feedforward(hidden_states))
        return self.norm2(self.residual_dropout(hidden_states) + output)
