"""The causal attention mask, in the form that the chosen attention function wants.

All the work is done by transformers' masking utilities, so the mask fits eager, sdpa, flash and flex
attention alike, and any attention function registered from outside (vLLM) gets none.
"""

from typing import Any

from torch import Tensor
from transformers.masking_utils import create_causal_mask, create_sliding_window_causal_mask

MASK_FUNCTIONS = {
    "full_attention": create_causal_mask,
    "sliding_attention": create_sliding_window_causal_mask,
}


def causal_mask(
    config: Any,
    inputs_embeds: Tensor,
    attention_mask: Any = None,
    position_ids: Tensor | None = None,
    past_key_values: Any = None,
) -> Any:
    """The mask for all layers, or a dict by layer type where layers differ.

    - padding: from a 2-D attention_mask (B, S);
    - packed documents: where position_ids (B, T) restart, attention does not cross. This needs
      attention_mask and past_key_values to be None, because a cache cannot be told from a restart;
    - sliding window: every layer if config.sliding_window is set, or those that config.layer_types
      names "sliding_attention" (then the result is a dict by layer type).

    A ready 4-D mask, or a dict of them, is passed on. None means that the attention function needs no
    mask beyond ``is_causal``.
    """
    if isinstance(attention_mask, dict):
        return attention_mask
    arguments = {
        "config": config,
        "inputs_embeds": inputs_embeds,
        "attention_mask": attention_mask,
        "past_key_values": past_key_values,
        "position_ids": position_ids,
    }
    layer_types = getattr(config, "layer_types", None)
    if layer_types is not None:
        unknown = set(layer_types) - set(MASK_FUNCTIONS)
        if unknown:
            raise ValueError(
                f"config.layer_types: unknown {sorted(unknown)}; known: {sorted(MASK_FUNCTIONS)}"
            )
        return {kind: MASK_FUNCTIONS[kind](**arguments) for kind in sorted(set(layer_types))}
    if getattr(config, "sliding_window", None) is not None:
        return create_sliding_window_causal_mask(**arguments)
    return create_causal_mask(**arguments)
