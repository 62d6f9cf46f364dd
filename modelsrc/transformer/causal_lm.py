"""The body of a causal language model: token ids in, hidden states out.

It knows neither the vocabulary head nor the loss nor the Hugging Face API. Those belong to the shell
around it; the body only orders its parts.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class CausalLM(nn.Module):
    """Input encoder, then the stack of layers, under one causal mask.

    input_encoder: ``(tokens or embeddings, position_ids) -> (B, T, D)``; None for a pipeline stage that
        receives hidden states.
    layer_stack: ``(hidden_states, attention_mask, position_ids, past_key_values) -> (B, T, D)``.
    init_weights: function that initialises the own parameters of one module. Not called here: whoever
        owns the model applies it to every module.
    attn_mask_fn: builds the mask that the layers share; without it the mask of the caller is passed on.

    Shapes: B batch, T query length, D model width.
    """

    def __init__(
        self,
        input_encoder: nn.Module | None,
        layer_stack: nn.Module,
        init_weights: Callable[[nn.Module], None] | None = None,
        attn_mask_fn: Callable[..., Any] | None = None,
        config: Any = None,
    ) -> None:
        super().__init__()
        self.input_encoder = input_encoder
        self.layer_stack = layer_stack
        self.init_weights = init_weights
        self.attn_mask_fn = attn_mask_fn
        self.config = config

    def forward(
        self,
        input_ids: Tensor | None = None,  # (B, T) integer; or (B, T, D) for a later pipeline stage
        attention_mask: Any = None,  # (B, S) padding mask, a ready (B, 1, T, S) mask, or a dict of those
        position_ids: Tensor | None = None,  # (B, T) or (1, T)
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,  # (B, T, D), in place of input_ids
        **kwargs: Any,
    ) -> Tensor:
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give exactly one of input_ids and inputs_embeds")
        inputs = input_ids if inputs_embeds is None else inputs_embeds
        if position_ids is None:
            position_ids = next_positions(inputs, past_key_values)
        hidden_states = inputs
        if self.input_encoder is not None:
            hidden_states = self.input_encoder(inputs, position_ids)  # (B, T, D)
        if self.attn_mask_fn is not None:
            attention_mask = self.attn_mask_fn(
                inputs_embeds=hidden_states,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past_key_values,
            )
        return self.layer_stack(
            hidden_states,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            **kwargs,
        )


def next_positions(inputs: Tensor, past_key_values: Any) -> Tensor:
    """Positions (1, T) that continue what the cache has already seen."""
    seen = past_key_values.get_seq_length() if past_key_values is not None else 0
    return (torch.arange(inputs.shape[1], device=inputs.device) + seen).unsqueeze(0)


# The spelling of earlier configs.
CasualLM = CausalLM
