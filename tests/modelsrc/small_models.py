"""A small Llama-like model as the graph of a config; and how its weights are called elsewhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from forgather.graph.nodes import PartialNode, SingletonNode, VarNode

TP_PLAN = {
    f"model.layer_stack.layers.*.{name}": style
    for name, style in {
        "attention.query_linear": "colwise",
        "attention.key_linear": "colwise",
        "attention.value_linear": "colwise",
        "attention.output_linear": "rowwise",
        "feedforward.gate_proj": "colwise",
        "feedforward.up_proj": "colwise",
        "feedforward.down_proj": "rowwise",
    }.items()
}
PP_PLAN = {
    "model.input_encoder": [["input_ids"], ["hidden_states"]],
    "model.layer_stack": [["hidden_states", "attention_mask"], ["hidden_states"]],
    "model.output_decoder": [["hidden_states"], ["logits"]],
}
CONFIG: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "attention_dropout": 0.0,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def variable(name: str, **default: Any) -> VarNode:
    return VarNode(name, **default)


def partial(spec: str, identity: str | None = None, **kwargs: Any) -> PartialNode:
    return PartialNode(spec, kwargs=kwargs, identity=identity)


def singleton(spec: str, identity: str | None = None, **kwargs: Any) -> SingletonNode:
    return SingletonNode(spec, kwargs=kwargs, identity=identity)


def layer_factory(layer: str, norm: PartialNode, rotary: Any, qk_norm: bool) -> PartialNode:
    head_norm = partial(
        ".rms_norm:RMSNorm", normalized_shape=variable("head_dim"), eps=variable("rms_norm_eps")
    )
    attention = partial(
        ".causal_multihead_attn:CausalMultiheadAttn",
        "attention_factory",
        d_model=variable("hidden_size"),
        num_heads=variable("num_attention_heads"),
        num_kv_heads=variable("num_key_value_heads"),
        head_dim=variable("head_dim"),
        attn_implementation=variable("attn_implementation"),
        pos_encoder=rotary,
        config=variable("config"),
        dropout=variable("attention_dropout"),
        sliding_window=variable("sliding_window", default=None),
        qk_norm_factory=head_norm if qk_norm else None,
    )
    feedforward = partial(
        ".glu_feedforward:GLUFeedforwardLayer",
        "feedforward_factory",
        d_model=variable("hidden_size"),
        d_feedforward=variable("intermediate_size"),
    )
    return partial(
        layer,
        "layer_factory",
        feedforward_factory=feedforward,
        attention_factory=attention,
        norm_factory=norm,
    )


def make_factory(
    layer: str = ".pre_ln_layer:PreLNLayer",
    positions: str = "rotary",
    qk_norm: bool = False,
    stack: str = ".checkpoint_layer_stack:LayerStack",
) -> dict[str, Any]:
    """The graph of a model factory, with the variables of CONFIG."""
    norm = partial(
        ".rms_norm:RMSNorm",
        "layer_norm_factory",
        normalized_shape=variable("hidden_size"),
        eps=variable("rms_norm_eps"),
    )
    rotary = None
    if positions == "rotary":
        rotary = singleton(
            ".rotary_embeddings:RotaryPE",
            "relative_pe",
            hidden_size=variable("hidden_size"),
            num_attention_heads=variable("num_attention_heads"),
            max_sequence_length=variable("max_position_embeddings"),
            rope_parameters=variable("rope_parameters"),
            head_dim=variable("head_dim"),
        )
    absolute = None
    if positions == "sinusoidal":
        absolute = singleton(".sinusoidal_pe:SinusoidalPE", d_model=variable("hidden_size"))
    embedding = singleton(
        "torch.nn:Embedding",
        num_embeddings=variable("vocab_size"),
        embedding_dim=variable("hidden_size"),
    )
    regexes = [
        [r"attn\.|ff\.|lm_head", partial(".llama_init:trunc_normal", std=0.02)],
        ["embedding", partial("torch.nn.init:normal_", std=0.02)],
    ]
    body = partial(
        ".causal_lm:CausalLM",
        "causal_model",
        input_encoder=singleton(
            ".input_encoder:InputEncoder",
            "input_encoder",
            d_model=variable("hidden_size"),
            embedding=embedding,
            positional_encoder=absolute,
        ),
        layer_stack=singleton(
            stack,
            "layer_stack",
            layer_factory=layer_factory(layer, norm, rotary, qk_norm),
            num_hidden_layers=variable("num_hidden_layers"),
            post_norm_factory=norm,
        ),
        init_weights=partial(
            ".init_weights:init_weights_by_regex", "init_weights", regex_list=regexes
        ),
        attn_mask_fn=partial(".causal_mask:causal_mask", "attn_mask_fn", config=variable("config")),
        config=variable("config"),
    )
    head = partial(
        "torch.nn:Linear",
        "lm_head",
        in_features=variable("hidden_size"),
        out_features=variable("vocab_size"),
        bias=False,
    )
    return {
        "causal_model": body,
        "lm_head": head,
        "loss_fn": singleton(".causal_loss:CausalLoss", "loss_fn"),
    }


HF_NAMES = {
    "causal_lm.input_encoder.embedding": "model.embed_tokens",
    "causal_lm.layer_stack.layers": "model.layers",
    "causal_lm.layer_stack.layer_norm": "model.norm",
    "attention.query_linear": "self_attn.q_proj",
    "attention.key_linear": "self_attn.k_proj",
    "attention.value_linear": "self_attn.v_proj",
    "attention.output_linear": "self_attn.o_proj",
    "attention.q_norm": "self_attn.q_norm",
    "attention.k_norm": "self_attn.k_norm",
    "feedforward": "mlp",
    "norm1": "input_layernorm",
    "norm2": "post_attention_layernorm",
}


def copy_weights(source: Any, target: Any) -> None:
    """Copy the weights of a transformers model with Llama's names into a generated model."""
    theirs = source.state_dict()
    ours = {}
    for name in target.state_dict():
        hf_name = name
        for old, new in HF_NAMES.items():
            hf_name = hf_name.replace(old, new)
        ours[name] = theirs[hf_name]
    target.load_state_dict(ours)


def tokens(*shape: int) -> torch.Tensor:
    """Random ids that are no special token."""
    return torch.randint(3, CONFIG["vocab_size"], shape)


def isolated_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that knows nothing of this repository."""
    kept = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    return kept | {
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
