"""Gated feed-forward network."""

from collections.abc import Callable

from torch import Tensor, nn


class GLUFeedforwardLayer(nn.Module):
    """``down_proj(activation(gate_proj(x)) * up_proj(x))``, without bias.

    "GLU Variants Improve Transformer", https://arxiv.org/abs/2002.05202. With SiLU this is SwiGLU. The
    activation is a module, and the product is written plainly, because vLLM recognises this form and
    fuses it.

    Shapes: (B, T, D) -> (B, T, F) -> (B, T, D), with F = d_feedforward.
    """

    def __init__(
        self,
        d_model: int,
        d_feedforward: int,
        activation_factory: Callable[[], nn.Module] = nn.SiLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_feedforward, bias=False)
        self.up_proj = nn.Linear(d_model, d_feedforward, bias=False)
        self.down_proj = nn.Linear(d_feedforward, d_model, bias=False)
        self.activation = activation_factory()
        self.dropout = nn.Dropout(dropout) if dropout else None
        self.gate_proj.init_prefix = "ff.gate_proj"
        self.up_proj.init_prefix = "ff.up_proj"
        self.down_proj.init_prefix = "ff.down_proj"

    def forward(self, x: Tensor) -> Tensor:
        gated = self.activation(self.gate_proj(x)) * self.up_proj(x)  # (B, T, F)
        if self.dropout is not None:
            gated = self.dropout(gated)
        return self.down_proj(gated)
