"""Position-wise feed-forward network with two linear maps."""

from collections.abc import Callable

from torch import Tensor, nn


class FeedforwardLayer(nn.Module):
    """``linear2(dropout(activation(linear1(x))))``.

    "Attention Is All You Need", https://arxiv.org/abs/1706.03762, section 3.3.

    Shapes: (B, T, D) -> (B, T, F) -> (B, T, D), with F = d_feedforward.
    """

    def __init__(
        self,
        d_model: int,
        d_feedforward: int,
        activation_factory: Callable[[], nn.Module] = nn.ReLU,
        dropout: float = 0.0,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_feedforward, bias=bias)
        self.activation = activation_factory()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.linear2 = nn.Linear(d_feedforward, d_model, bias=bias)
        self.linear1.init_prefix = "ff.linear1"
        self.linear2.init_prefix = "ff.linear2"

    def forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))
