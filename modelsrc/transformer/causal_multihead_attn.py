"""Multi-head causal self-attention with grouped key-value heads and a cache."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from .eager_attention import eager_attention_forward


class CausalMultiheadAttn(nn.Module):
    """Attention of each position to itself and earlier ones.

    Papers: multi-head attention https://arxiv.org/abs/1706.03762; grouped queries (num_kv_heads <
    num_heads) https://arxiv.org/abs/2305.13245; norms on queries and keys https://arxiv.org/abs/2010.04245.

    attn_implementation: "eager", "sdpa", "flash_attention_2", "flex_attention" or whatever is registered
        with transformers. With a config its setting counts, so that the model can be switched later.
    attn_functions: own attention functions by name; they go before the registered ones.
    pos_encoder: rotates queries and keys, ``(q, k, position_ids) -> (q, k)`` on (B, T, H, D); or None.
    qk_norm_factory: makes a norm over the head dimension, one for queries and one for keys.
    sliding_window: how many positions a query sees, itself included. The mask is built from the config,
        so both must say the same; where config.layer_types says "full_attention" there is no window.

    vLLM reads the source of ``forward``: exactly one lookup in ALL_ATTENTION_FUNCTIONS and one call of
    what it returned, with ``scaling=self.scaling``; and query, key and value maps of the same argument.

    Shapes: B batch, T queries, S keys, H heads, K key-value heads, D head dimension.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        attn_implementation: str | None = None,
        attn_functions: Mapping[str, Callable[..., Any]] | None = None,
        config: Any = None,
        num_kv_heads: int | None = None,
        pos_encoder: Callable[..., tuple[Tensor, Tensor]] | None = None,
        bias: bool = False,
        dropout: float = 0.0,
        qk_norm_factory: Callable[[], nn.Module] | None = None,
        layer_idx: int = 0,
        sliding_window: int | None = None,
        head_dim: int | None = None,
        output_bias: bool | None = None,
    ) -> None:
        super().__init__()
        num_kv_heads = num_kv_heads or num_heads
        check_heads(d_model, num_heads, num_kv_heads, head_dim)
        self.config = config
        self.layer_idx = layer_idx
        self.attn_implementation = attn_implementation
        self.attn_functions = dict(attn_functions or {})
        self.head_dim = head_dim or d_model // num_heads
        self.num_key_value_groups = num_heads // num_kv_heads
        self.scaling = self.head_dim**-0.5
        self.dropout = dropout
        self.is_causal = True
        self.pos_encoder = pos_encoder
        self.sliding_window = window_of_layer(config, layer_idx, sliding_window)

        output_bias = bias if output_bias is None else output_bias
        self.query_linear = nn.Linear(d_model, num_heads * self.head_dim, bias=bias)
        self.key_linear = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.value_linear = nn.Linear(d_model, num_kv_heads * self.head_dim, bias=bias)
        self.output_linear = nn.Linear(num_heads * self.head_dim, d_model, bias=output_bias)
        for name in ("query", "key", "value", "output"):
            getattr(self, f"{name}_linear").init_prefix = f"attn.{name}"
        self.q_norm = qk_norm_factory() if qk_norm_factory is not None else None
        self.k_norm = qk_norm_factory() if qk_norm_factory is not None else None

    @property
    def implementation(self) -> str:
        if self.config is not None:
            return self.config._attn_implementation
        return self.attn_implementation or "sdpa"

    def forward(
        self,
        hidden_states: Tensor,  # (B, T, H * D)
        attention_mask: Any = None,  # as the attention function wants it, or a dict by layer type
        position_ids: Tensor | None = None,  # (B, T) or (1, T)
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        input_shape = hidden_states.shape[:-1]  # (B, T)
        # The number of heads is left open: under tensor parallelism each rank holds some of them.
        head_shape = (*input_shape, -1, self.head_dim)
        query = self.query_linear(hidden_states).view(head_shape)  # (B, T, H, D)
        key = self.key_linear(hidden_states).view(head_shape)  # (B, T, K, D)
        value = self.value_linear(hidden_states).view(head_shape)
        if self.q_norm is not None:
            query, key = self.q_norm(query), self.k_norm(key)
        if self.pos_encoder:
            query, key = self.pos_encoder(query, key, position_ids)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)  # (B, K, S, D)
        if isinstance(attention_mask, dict):
            attention_mask = attention_mask[self.attention_type]

        attention = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.implementation, eager_attention_forward
        )
        if self.attn_functions:
            attention = self.attn_functions.get(self.implementation, attention)
        # position_ids go along because flash attention finds the borders of packed documents in them.
        output, weights = attention(
            self,
            query,
            key,
            value,
            attention_mask,
            dropout=self.dropout if self.training else 0.0,
            scaling=self.scaling,
            sliding_window=self.sliding_window,
            position_ids=position_ids,
            **kwargs,
        )
        output = output.reshape(*input_shape, -1).contiguous()  # (B, T, H * D)
        return self.output_linear(output), weights

    @property
    def attention_type(self) -> str:
        return "full_attention" if self.sliding_window is None else "sliding_attention"

    def extra_repr(self) -> str:
        window = "" if self.sliding_window is None else f", sliding_window={self.sliding_window}"
        return f"layer_idx={self.layer_idx}, head_dim={self.head_dim}{window}"


def check_heads(d_model: int, num_heads: int, num_kv_heads: int, head_dim: int | None) -> None:
    if head_dim is None and d_model % num_heads:
        raise ValueError(f"d_model ({d_model}) is not a multiple of num_heads ({num_heads})")
    if num_heads % num_kv_heads:
        raise ValueError(
            f"num_heads ({num_heads}) is not a multiple of num_kv_heads ({num_kv_heads})"
        )


def window_of_layer(config: Any, layer_idx: int, sliding_window: int | None) -> int | None:
    """The window of this layer, checked against the config that the mask and the cache are built from."""
    if config is None:
        return sliding_window
    layer_types = getattr(config, "layer_types", None)
    if layer_types is not None and layer_types[layer_idx] == "full_attention":
        return None
    in_config = getattr(config, "sliding_window", None)
    if sliding_window != in_config:
        raise ValueError(
            f"layer {layer_idx}: sliding_window is {sliding_window} in the attention and {in_config} in "
            "the config; mask and cache are built from the config, so both must agree"
        )
    return sliding_window
