"""The parts by themselves: initialisation, norms, positions, refusals."""

import math
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from modelsrc.transformer import causal_lm, init_weights, llama_init
from modelsrc.transformer.causal_multihead_attn import CausalMultiheadAttn
from modelsrc.transformer.checkpoint_layer_stack import LayerStack
from modelsrc.transformer.explicit_layer_stack import ExplicitLayerStack
from modelsrc.transformer.feedforward_layer import FeedforwardLayer
from modelsrc.transformer.input_encoder import InputEncoder
from modelsrc.transformer.null_pe import NullPE
from modelsrc.transformer.post_ln_layer import PostLNLayer
from modelsrc.transformer.pre_ln_layer import PreLNLayer
from modelsrc.transformer.rms_norm import RMSNorm
from modelsrc.transformer.sinusoidal_pe import SinusoidalPE


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rms_norm_equals_llama_to_the_bit(dtype):
    x = torch.randn(3, 16).to(dtype)
    ours, theirs = RMSNorm(16, eps=1e-5).to(dtype), LlamaRMSNorm(16, eps=1e-5).to(dtype)
    weight = torch.rand(16).to(dtype)
    ours.weight.data, theirs.weight.data = weight, weight
    assert torch.equal(ours(x), theirs(x))


def test_torch_rms_norm_fits_in_the_same_place():
    x = torch.randn(3, 16)
    torch.testing.assert_close(RMSNorm(16, eps=1e-5)(x), nn.RMSNorm(16, eps=1e-5)(x))


def make_attention(layer_idx, **kwargs):
    return CausalMultiheadAttn(16, 4, attn_implementation="eager", layer_idx=layer_idx, **kwargs)


@pytest.mark.parametrize("layer", [PreLNLayer, PostLNLayer])
@pytest.mark.parametrize("stack", ["equal", "explicit"])
def test_layers_are_causal_and_know_their_index(layer, stack):
    factory = partial(
        layer,
        feedforward_factory=partial(FeedforwardLayer, 16, 32),
        attention_factory=make_attention,
        norm_factory=partial(nn.LayerNorm, 16),
    )
    if stack == "equal":
        layers = LayerStack(factory, 2, post_norm_factory=partial(nn.LayerNorm, 16))
    else:
        layers = ExplicitLayerStack([factory, factory])
    assert [one.attention.layer_idx for one in layers.layers] == [0, 1]
    x = torch.randn(1, 6, 16)
    mask = torch.full((6, 6), -math.inf).triu(1)[None, None]
    before = layers(x, attention_mask=mask)
    changed = x.clone()
    changed[:, 4] += 1
    after = layers(changed, attention_mask=mask)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_post_norm_output_is_normalised():
    layer = PostLNLayer(
        partial(FeedforwardLayer, 16, 32), make_attention, partial(nn.LayerNorm, 16)
    )
    output = layer(torch.randn(2, 5, 16))
    torch.testing.assert_close(output.mean(-1), torch.zeros(2, 5), atol=1e-5, rtol=0)


def test_dropouts_act_on_their_own_branch():
    factories = (partial(FeedforwardLayer, 16, 32), make_attention, partial(nn.LayerNorm, 16))
    x = torch.randn(1, 5, 16)
    silent = PreLNLayer(*factories, dropout=1.0).train()
    assert torch.equal(silent(x), x)
    forgetful = PreLNLayer(*factories, residual_dropout=1.0).train()
    assert torch.equal(forgetful(x), forgetful(x))
    assert not torch.equal(forgetful(x), forgetful.eval()(x))


def test_own_attention_functions_go_first():
    def constant(module, query, key, value, mask, **kwargs):
        return torch.zeros_like(query).transpose(1, 2), None

    attention = make_attention(0, attn_functions={"eager": constant})
    assert torch.equal(attention(torch.randn(1, 3, 16))[0], torch.zeros(1, 3, 16))
    other = make_attention(0, attn_functions={"sdpa": constant})
    assert other(torch.randn(1, 3, 16))[0].abs().max() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_heads": 5}, r"d_model \(16\) is not a multiple of num_heads \(5\)"),
        (
            {"num_heads": 4, "num_kv_heads": 3},
            r"num_heads \(4\) is not a multiple of num_kv_heads \(3\)",
        ),
        (
            {"num_heads": 4, "sliding_window": 8, "config": SimpleNamespace(sliding_window=None)},
            "sliding_window is 8 in the attention and None in the config",
        ),
        (
            {"num_heads": 4, "config": SimpleNamespace(sliding_window=8)},
            "sliding_window is None in the attention and 8 in the config",
        ),
    ],
)
def test_attention_refuses_what_cannot_work(arguments, message):
    with pytest.raises(ValueError, match=message):
        CausalMultiheadAttn(16, **arguments)


def test_input_encoder_scales_and_adds_positions():
    embedding = nn.Embedding(10, 16)
    ids = torch.tensor([[1, 2, 3]])
    plain = InputEncoder(16, embedding)(ids)
    scaled = InputEncoder(16, embedding, scale=2.0, scale_sqrt_d_model=True)(ids)
    torch.testing.assert_close(scaled, 8 * plain)
    assert torch.equal(InputEncoder(16, embedding, positional_encoder=NullPE())(ids), plain)
    positions = torch.tensor([[4, 5, 6]])
    placed = InputEncoder(16, embedding, positional_encoder=SinusoidalPE(16))(ids, positions)
    frequency = 10000 ** (-2 / 16)
    expected = torch.tensor([math.sin(5), math.cos(5), math.sin(5 * frequency)])
    torch.testing.assert_close((placed - plain)[0, 1, :3], expected)


def test_sinusoidal_positions_default_to_the_order_of_tokens():
    encoder, x = SinusoidalPE(8), torch.zeros(2, 5, 8)
    assert torch.equal(encoder(x), encoder(x, torch.arange(5)[None]))
    with pytest.raises(ValueError, match="must be even"):
        SinusoidalPE(7)


def test_old_spelling_of_the_body():
    assert causal_lm.CasualLM is causal_lm.CausalLM


def named_linear(prefix, bias=False):
    module = nn.Linear(4, 4, bias=bias)
    module.init_prefix = prefix
    return module


def fill(value):
    return partial(nn.init.constant_, val=value)


def test_regex_takes_the_first_match():
    module = named_linear("attn.query", bias=True)
    patterns = [(r"\.bias", fill(0.0)), ("attn", fill(1.0)), ("query", fill(2.0))]
    init_weights.init_weights_by_regex(module, patterns)
    assert torch.equal(module.weight, torch.ones(4, 4))
    assert torch.equal(module.bias, torch.zeros(4))


def test_regex_without_match_resets():
    norm = nn.LayerNorm(4)
    nn.init.constant_(norm.weight, 7.0)
    init_weights.init_weights_by_regex(norm, [("attn", fill(1.0))])
    assert torch.equal(norm.weight, torch.ones(4))
    init_weights.init_weights_by_regex(nn.ReLU(), [])


def test_regex_must_match_all_or_none():
    module = named_linear("attn.query", bias=True)
    with pytest.raises(ValueError, match=r"Not all parameters in Linear \(attn.query\)"):
        init_weights.init_weights_by_regex(module, [(r"query\.weight", fill(1.0))])


def test_module_that_nobody_can_initialise():
    module = nn.Module()
    module.weight = nn.Parameter(torch.zeros(2))
    with pytest.raises(ValueError, match="no pattern matches them and it has no reset_parameters"):
        init_weights.init_weights_by_regex(module, [])


@pytest.mark.parametrize(
    "initialise",
    [
        partial(init_weights.init_weights_by_regex, regex_list=[("weight|bias", fill(3.0))]),
        partial(init_weights.init_weights_by_regex, regex_list=[]),
        init_weights.simple_weight_init,
        llama_init.hf_llama_weight_init,
    ],
    ids=["match", "reset", "simple", "llama"],
)
@pytest.mark.parametrize("module", [nn.Linear(4, 4), nn.Embedding(4, 4), nn.LayerNorm(4)], ids=type)
def test_loaded_parameters_are_left_alone(module, initialise):
    for parameter in module.parameters():
        nn.init.constant_(parameter, 9.0)
    module.weight._is_hf_initialized = True
    initialise(module)
    assert torch.equal(module.weight, torch.full_like(module.weight, 9.0))
    if getattr(module, "bias", None) is not None:
        assert not torch.equal(module.bias, torch.full_like(module.bias, 9.0))


def test_simple_initialisation():
    linear, embedding = nn.Linear(100, 50), nn.Embedding(50, 100, padding_idx=0)
    init_weights.simple_weight_init(linear)
    init_weights.simple_weight_init(embedding, scale_rsqrt_d_model=True)
    assert linear.weight.abs().max() <= 0.1 and not linear.bias.any()
    assert 0.09 < embedding.weight[1:].std() < 0.11 and not embedding.weight[0].any()


def test_llama_initialisation():
    weight = torch.empty(256, 256)
    llama_init.trunc_normal(weight, std=0.5)
    assert weight.abs().max() <= 1.5 and 0.47 < weight.std() < 0.5
    llama_init.init_output_layer(weight, 256)
    assert weight.abs().max() <= 3 / 16
    llama_init.trunc_normal_magic(weight)
    assert 0.0195 < weight.std() < 0.0205
    assert llama_init.llama_std(8) == 0.02 / 4
    assert llama_init.llama_std_depth(7) == 0.02 / 4
