"""Absolute positions as sines and cosines."""

import math

import torch
from torch import Tensor, nn


class SinusoidalPE(nn.Module):
    """Adds ``sin(p / 10000^(2i/D))`` to even channels and the cosine to odd ones.

    "Attention Is All You Need", https://arxiv.org/abs/1706.03762, section 3.5. There is no table and no
    buffer: the values are computed from position_ids, so that nothing can be lost when a model is loaded
    and packed documents restart at position 0. Positions from max_sequence_length on work as well; the
    argument only documents what the model is trained for.

    Shapes: x (B, T, D), position_ids (B, T) or (1, T) -> (B, T, D).
    """

    def __init__(self, d_model: int, max_sequence_length: int = 2048) -> None:
        super().__init__()
        if d_model % 2:
            raise ValueError(f"d_model must be even for sines and cosines, not {d_model}")
        self.d_model = d_model
        self.max_sequence_length = max_sequence_length

    def forward(self, x: Tensor, position_ids: Tensor | None = None) -> Tensor:
        if position_ids is None:
            position_ids = torch.arange(x.shape[1], device=x.device).unsqueeze(0)
        even = torch.arange(0, self.d_model, 2, device=x.device, dtype=torch.float32)
        frequencies = torch.exp(even * (-math.log(10000.0) / self.d_model))  # (D/2,)
        angles = position_ids[..., None].float() * frequencies  # (B, T, D/2)
        encoding = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)  # (B, T, D)
        return x + encoding.to(x.dtype)

    def extra_repr(self) -> str:
        return f"d_model={self.d_model}, max_sequence_length={self.max_sequence_length}"
