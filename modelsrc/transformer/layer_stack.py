"""A stack of equal layers, made by one factory."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class LayerStack(nn.Module):
    """``num_hidden_layers`` layers from ``layer_factory(layer_idx=i)``, then an optional norm.

    The layers are one plain ``nn.ModuleList``, which is what a pipeline splits: a stage replaces the
    layers (and the norm) that it does not hold by identities.

    Shapes: (B, T, D) -> (B, T, D).
    """

    def __init__(
        self,
        layer_factory: Callable[..., nn.Module],
        num_hidden_layers: int,
        post_norm_factory: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer_factory(layer_idx=i) for i in range(num_hidden_layers))
        self.layer_norm = post_norm_factory() if post_norm_factory is not None else None

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        for layer in self.layers:
            hidden_states = layer(hidden_states, **kwargs)
        return hidden_states if self.layer_norm is None else self.layer_norm(hidden_states)
