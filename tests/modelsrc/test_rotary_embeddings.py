"""All kinds of rotary embeddings equal those of transformers, bit for bit."""

import pickle

import pytest
import torch
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from modelsrc.transformer.rotary_embeddings import RotaryPE

HIDDEN, HEADS, LENGTH = 64, 4, 64
KINDS = {
    "default": {},
    "linear": {"factor": 4.0},
    "dynamic": {"factor": 2.0},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 16},
    "yarn-mscale": {
        "factor": 4.0,
        "original_max_position_embeddings": 16,
        "mscale": 1.0,
        "mscale_all_dim": 0.5,
        "beta_fast": 16,
        "beta_slow": 2,
    },
    "longrope": {
        "original_max_position_embeddings": 16,
        "short_factor": [1.0 + 0.1 * i for i in range(8)],
        "long_factor": [2.0 + 0.5 * i for i in range(8)],
        "factor": 4.0,
    },
    "llama3": {
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 16,
    },
}


def rope_of(kind):
    return {"rope_type": kind.partition("-")[0], "rope_theta": 10000.0, **KINDS[kind]}


@pytest.mark.parametrize("length", [12, 100])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_transformers(kind, length):
    config = LlamaConfig(
        hidden_size=HIDDEN,
        num_attention_heads=HEADS,
        max_position_embeddings=LENGTH,
        rope_parameters=rope_of(kind),
    )
    ours = RotaryPE(HIDDEN, HEADS, LENGTH, rope_parameters=rope_of(kind))
    q, k = torch.randn(2, 2, length, HEADS, HIDDEN // HEADS).unbind()
    positions = torch.arange(length)[None]
    cos, sin = LlamaRotaryEmbedding(config)(q, positions)
    expected = apply_rotary_pos_emb(q, k, cos, sin, unsqueeze_dim=2)
    for mine, theirs in zip(ours(q, k, positions), expected, strict=True):
        assert torch.equal(mine, theirs)


def test_older_spelling_means_the_same():
    new = RotaryPE(HIDDEN, HEADS, LENGTH, rope_parameters=rope_of("llama3"))
    scaling = {"type": "llama3", **KINDS["llama3"]}
    old = RotaryPE(HIDDEN, HEADS, LENGTH, rope_theta=10000.0, rope_scaling=scaling)
    assert new.rope == old.rope


def test_partial_rotation_leaves_the_rest_of_the_head_alone():
    rope = {"rope_theta": 10000.0, "partial_rotary_factor": 0.5}
    rotary = RotaryPE(HIDDEN, HEADS, rope_parameters=rope)
    q = torch.randn(1, 6, HEADS, 16)
    turned, _ = rotary(q, q, torch.arange(6)[None])
    assert torch.equal(turned[..., 8:], q[..., 8:])
    assert not torch.allclose(turned[:, 1:, :, :8], q[:, 1:, :, :8])


def test_kept_answer_notices_changed_positions():
    rotary = RotaryPE(HIDDEN, HEADS)
    q = torch.randn(1, 6, HEADS, 16)
    positions = torch.arange(6)[None]
    first, _ = rotary(q, q, positions)
    again, _ = rotary(q, q, positions)
    positions += 3
    moved, _ = rotary(q, q, positions)
    assert torch.equal(first, again)
    assert torch.equal(moved, RotaryPE(HIDDEN, HEADS)(q, q, positions)[0])
    assert not torch.allclose(first, moved)
    with torch.inference_mode():
        inference, _ = rotary(q, q, positions.clone())
    assert torch.equal(inference, moved)


def test_frequencies_keep_fp32_for_a_bf16_model_and_travel_by_pickle():
    rotary = RotaryPE(HIDDEN, HEADS)
    q = torch.randn(1, 6, HEADS, 16, dtype=torch.bfloat16)
    turned, _ = rotary(q, q, torch.arange(6)[None])
    assert turned.dtype == torch.bfloat16
    copy = pickle.loads(pickle.dumps(rotary))
    assert torch.equal(copy(q, q, torch.arange(6)[None])[0], turned)


@pytest.mark.parametrize(
    ("rope", "message"),
    [
        ({"rope_type": "liner"}, "rope_type 'liner' is unknown; known: default, dynamic"),
        ({"rope_type": "llama3", "factor": 8.0}, "needs low_freq_factor, high_freq_factor"),
    ],
)
def test_wrong_parameters_are_refused(rope, message):
    with pytest.raises(ValueError, match=message):
        RotaryPE(HIDDEN, HEADS, rope_parameters=rope)
