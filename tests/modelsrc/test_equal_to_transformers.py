"""With weights copied across, a generated model computes what transformers' own model computes."""

import pytest
import torch
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tests.modelsrc.small_models import CONFIG, copy_weights, tokens

TOLERANCE = 1e-5
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 500000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}


def assert_equal_logits(ours, theirs, **inputs):
    with torch.no_grad():
        difference = ours(**inputs).logits - theirs(**inputs).logits
    assert difference.abs().max() <= TOLERANCE


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 4},
        {"num_key_value_heads": 1},
        {"head_dim": 16},
        {"tie_word_embeddings": True},
        {"rope_parameters": LLAMA3},
    ],
    ids=["grouped", "multi-head", "multi-query", "wide-heads", "tied", "llama3"],
)
def test_llama(make_model, changes, attention):
    theirs = LlamaForCausalLM(LlamaConfig(**{**CONFIG, **changes})).eval()
    theirs.set_attn_implementation(attention)
    ours = make_model(attn_implementation=attention, **changes)
    copy_weights(theirs, ours)
    ids = tokens(2, 40)
    assert_equal_logits(ours, theirs, input_ids=ids)
    mask = torch.ones_like(ids)
    mask[0, :7] = 0
    with torch.no_grad():
        padded = {"input_ids": ids, "attention_mask": mask}
        difference = ours(**padded).logits - theirs(**padded).logits
    assert difference[mask.bool()].abs().max() <= TOLERANCE


def test_llama_loss_and_hidden_states(make_model):
    theirs = LlamaForCausalLM(LlamaConfig(**CONFIG)).eval()
    ours = make_model(attn_implementation="eager")
    theirs.set_attn_implementation("eager")
    copy_weights(theirs, ours)
    ids = tokens(2, 12)
    recorded = {"output_hidden_states": True, "output_attentions": True}
    a, b = (model(input_ids=ids, labels=ids, **recorded) for model in (ours, theirs))
    torch.testing.assert_close(a.loss, b.loss)
    assert len(a.hidden_states) == CONFIG["num_hidden_layers"] + 1
    for mine, other in zip(a.hidden_states, b.hidden_states, strict=True):
        torch.testing.assert_close(mine, other)
    assert len(a.attentions) == CONFIG["num_hidden_layers"]
    for mine, other in zip(a.attentions, b.attentions, strict=True):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_mistral_sliding_window(make_model, attention):
    """The window is really masked: tokens further back than it change nothing."""
    window = {"sliding_window": 5}
    theirs = MistralForCausalLM(MistralConfig(**{**CONFIG, **window})).eval()
    theirs.set_attn_implementation(attention)
    ours = make_model(attn_implementation=attention, **window)
    copy_weights(theirs, ours)
    ids = tokens(2, 24)
    assert_equal_logits(ours, theirs, input_ids=ids)
    unlimited = make_model(attn_implementation=attention)
    unlimited.load_state_dict(ours.state_dict())
    with torch.no_grad():
        assert not torch.allclose(unlimited(ids).logits, ours(ids).logits, atol=1e-4)
    generated = {"max_new_tokens": 12, "do_sample": False}
    assert torch.equal(ours.generate(ids, **generated), theirs.generate(ids, **generated))
    uncached = ours.generate(ids, use_cache=False, **generated)
    assert torch.equal(uncached, ours.generate(ids, **generated))


def test_layers_of_two_types(make_model):
    """config.layer_types mixes windows and full attention, as vLLM and the cache read it."""
    mixed = {"sliding_window": 5, "layer_types": ["sliding_attention", "full_attention"]}
    ours = make_model(**mixed)
    theirs = Qwen3ForCausalLM(
        Qwen3Config(**{**CONFIG, "head_dim": 8, **mixed, "use_sliding_window": True})
    ).eval()
    ours = make_model({"qk_norm": True}, **mixed)
    copy_weights(theirs, ours)
    assert_equal_logits(ours, theirs, input_ids=tokens(2, 24))


def test_qwen3_norms_on_queries_and_keys(make_model):
    theirs = Qwen3ForCausalLM(Qwen3Config(**{**CONFIG, "head_dim": 8})).eval()
    for name, parameter in theirs.named_parameters():
        if name.endswith(("q_norm.weight", "k_norm.weight")):
            torch.nn.init.uniform_(parameter, 0.5, 1.5)
    ours = make_model({"qk_norm": True})
    copy_weights(theirs, ours)
    assert_equal_logits(ours, theirs, input_ids=tokens(2, 24))


def test_generated_text_is_the_same(make_model):
    theirs = LlamaForCausalLM(LlamaConfig(**CONFIG)).eval()
    ours = make_model()
    copy_weights(theirs, ours)
    prompt = {"inputs": tokens(1, 5), "max_new_tokens": 20, "do_sample": False}
    assert torch.equal(ours.generate(**prompt), theirs.generate(**prompt))
