"""From token ids to the first hidden states: embedding, scale, absolute positions, dropout."""

import math
from collections.abc import Callable

from torch import Tensor, nn


class InputEncoder(nn.Module):
    """``dropout(positional_encoder(scale * embedding(ids)))``.

    scale_sqrt_d_model multiplies the scale by sqrt(d_model), as in "Attention Is All You Need"
    (https://arxiv.org/abs/1706.03762, section 3.4). Embeddings handed in instead of ids take the same
    way, without the lookup.

    Shapes: ids (B, T) or embeddings (B, T, D) -> (B, T, D).
    """

    def __init__(
        self,
        d_model: int,
        embedding: nn.Module,
        dropout: float = 0.0,
        positional_encoder: Callable[[Tensor, Tensor | None], Tensor] | None = None,
        scale: float = 1.0,
        scale_sqrt_d_model: bool = False,
    ) -> None:
        super().__init__()
        self.d_model = d_model
        self.embedding = embedding
        self.embedding.init_prefix = "embedding"
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.positional_encoder = positional_encoder
        self.scale = scale * math.sqrt(d_model) if scale_sqrt_d_model else scale

    def forward(self, inputs: Tensor, position_ids: Tensor | None = None) -> Tensor:
        x = inputs if inputs.is_floating_point() else self.embedding(inputs)  # (B, T, D)
        if self.scale != 1:
            x = x * self.scale
        if self.positional_encoder is not None:
            x = self.positional_encoder(x, position_ids)
        return x if self.dropout is None else self.dropout(x)

    def extra_repr(self) -> str:
        return f"d_model={self.d_model}, scale={self.scale}"
