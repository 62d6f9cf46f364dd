"""Root mean square layer normalisation."""

import torch
from torch import Tensor, nn


class RMSNorm(nn.Module):
    """``weight * x / sqrt(mean(x^2) + eps)`` over the last dimension.

    "Root Mean Square Layer Normalization", https://arxiv.org/abs/1910.07467. Statistics are taken in
    fp32 and the weight is applied in the input's type: to the bit what Llama does in transformers, also
    in bf16 (``torch.nn.RMSNorm`` differs there in the last digit). vLLM recognises and fuses this form.

    Shapes: (..., D) -> (..., D).
    """

    def __init__(self, normalized_shape: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = float(eps)
        self.weight = nn.Parameter(torch.ones(normalized_shape))

    def reset_parameters(self) -> None:
        nn.init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = x.to(torch.float32)
        h = h * torch.rsqrt(h.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * h.to(x.dtype)

    def extra_repr(self) -> str:
        return f"{tuple(self.weight.shape)}, eps={self.eps}"
