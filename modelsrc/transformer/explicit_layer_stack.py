"""A stack whose layers differ: one factory for each layer."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn


class ExplicitLayerStack(nn.Module):
    """Layer i comes from ``factory_list[i](layer_idx=i)``; an optional norm follows the last.

    Shapes: (B, T, D) -> (B, T, D).
    """

    def __init__(
        self,
        factory_list: Sequence[Callable[..., nn.Module]],
        post_norm_factory: Callable[[], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(factory(layer_idx=i) for i, factory in enumerate(factory_list))
        self.layer_norm = post_norm_factory() if post_norm_factory is not None else None

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        for layer in self.layers:
            hidden_states = layer(hidden_states, **kwargs)
        return hidden_states if self.layer_norm is None else self.layer_norm(hidden_states)
