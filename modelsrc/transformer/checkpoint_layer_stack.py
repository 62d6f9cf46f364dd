"""A stack of equal layers that can trade compute for memory by activation checkpointing.

"Training Deep Nets with Sublinear Memory Cost", https://arxiv.org/abs/1604.06174: the activations inside
a checkpointed layer are dropped in the forward pass and computed again in the backward pass.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class LayerStack(nn.Module):
    """The plain stack, plus checkpointing of every ``checkpoint_stride``-th layer.

    Checkpointing is off until ``model.gradient_checkpointing_enable()`` switches it on, and acts only
    while training. ``enable_checkpoint=False`` takes the ability away: switching on is then an error.
    ``checkpoint_kwargs`` go to ``torch.utils.checkpoint.checkpoint``; without them those given to
    ``gradient_checkpointing_enable`` count, and at last ``use_reentrant=False``.

    Shapes: (B, T, D) -> (B, T, D).
    """

    def __init__(
        self,
        layer_factory: Callable[..., nn.Module],
        num_hidden_layers: int,
        post_norm_factory: Callable[[], nn.Module] | None = None,
        enable_checkpoint: bool = True,
        checkpoint_stride: int = 1,
        checkpoint_kwargs: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if checkpoint_stride < 1:
            raise ValueError(f"checkpoint_stride must be at least 1, not {checkpoint_stride}")
        self.layers = nn.ModuleList(layer_factory(layer_idx=i) for i in range(num_hidden_layers))
        self.layer_norm = post_norm_factory() if post_norm_factory is not None else None
        self.checkpoint_stride = checkpoint_stride
        self.checkpoint_kwargs = checkpoint_kwargs
        self._gradient_checkpointing_func: Callable[..., Any] | None = None
        if enable_checkpoint:
            # transformers looks for this very attribute to find what it can switch on.
            self.gradient_checkpointing = False

    def forward(self, hidden_states: Tensor, **kwargs: Any) -> Tensor:
        checkpointing = self.training and getattr(self, "gradient_checkpointing", False)
        if checkpointing:
            # A layer that runs twice would write its keys into the cache twice.
            kwargs["past_key_values"] = None
        for index, layer in enumerate(self.layers):
            if checkpointing and index % self.checkpoint_stride == 0:
                hidden_states = self.run_checkpointed(layer, hidden_states, kwargs)
            else:
                hidden_states = layer(hidden_states, **kwargs)
        return hidden_states if self.layer_norm is None else self.layer_norm(hidden_states)

    def run_checkpointed(self, layer: nn.Module, hidden_states: Tensor, kwargs: dict) -> Tensor:
        if self.checkpoint_kwargs is not None:
            run = partial(checkpoint, **self.checkpoint_kwargs)
        else:
            run = self._gradient_checkpointing_func or partial(checkpoint, use_reentrant=False)
        # The hidden states go by position: the reentrant variant follows gradients of those only.
        return run(partial(layer, **kwargs), hidden_states)
