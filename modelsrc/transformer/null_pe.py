"""No positions at all: the neutral positional encoder."""

from torch import Tensor, nn


class NullPE(nn.Module):
    """Returns its input. "The Impact of Positional Encoding on Length Generalization",
    https://arxiv.org/abs/2305.19466, studies models that do without.
    """

    def forward(self, x: Tensor, position_ids: Tensor | None = None) -> Tensor:
        return x
