"""What vLLM's backend for transformers models needs, checked without vLLM.

It loads the base model by AutoModel, registers an attention function of its own, reads the source of
each ``forward`` to find what it may fuse, and spreads the modules by the plans in the config.
"""

import ast
import inspect
import re
import textwrap
from operator import attrgetter

import pytest
import torch
from torch import nn
from transformers import AttentionInterface, AutoConfig, AutoModel
from transformers.masking_utils import AttentionMaskInterface

from tests.modelsrc.small_models import CONFIG, tokens

LAYERS = CONFIG["num_hidden_layers"]


@pytest.fixture
def calls():
    """Calls of a registered attention function that wants no mask, as vLLM's does."""
    seen = []

    def attention(module, query, key, value, mask, scaling=None, dropout=0.0, **kwargs):
        seen.append({"module": module, "mask": mask, "scaling": scaling, **kwargs})
        groups = query.shape[1] // key.shape[1]
        key, value = (tensor.repeat_interleave(groups, 1) for tensor in (key, value))
        output = nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=scaling
        )
        return output.transpose(1, 2).contiguous(), None

    AttentionInterface.register("probe", attention)
    AttentionMaskInterface.register("probe", lambda *args, **kwargs: None)
    return seen


@pytest.fixture
def base(model_dir, modules_cache, calls):
    config = AutoConfig.from_pretrained(model_dir(), trust_remote_code=True)
    config._attn_implementation = "probe"
    return AutoModel.from_config(config, trust_remote_code=True).eval()


def run(model, **inputs):
    with torch.no_grad():
        return model(use_cache=False, return_dict=False, **inputs)[0]


def test_call_of_the_base_model(base, calls):
    ids, positions = tokens(1, 12), torch.arange(12)[None]
    hidden = run(base, input_ids=ids, position_ids=positions, probe_argument=1)
    assert hidden.shape == (1, 12, CONFIG["hidden_size"])
    assert [call["module"].layer_idx for call in calls] == list(range(LAYERS))
    assert all(call["probe_argument"] == 1 and call["mask"] is None for call in calls)
    embedded = base.get_input_embeddings()(ids)
    assert torch.equal(run(base, inputs_embeds=embedded, position_ids=positions), hidden)
    moved = run(base, input_ids=ids, position_ids=positions + 5)
    torch.testing.assert_close(moved, hidden, atol=1e-4, rtol=0)
    turned = run(base, input_ids=ids, position_ids=positions.flip(-1))
    assert not torch.allclose(turned, hidden, atol=1e-4)
    assert base.get_decoder() is not None
    assert base._supports_attention_backend


def test_attention_source_has_one_lookup_and_one_call(base):
    attention = [module for _, module in base.named_modules() if hasattr(module, "layer_idx")]
    assert [module.layer_idx for module in attention] == list(range(LAYERS))
    assert all(module.config is base.config for module in attention)
    forward = ast.parse(textwrap.dedent(inspect.getsource(type(attention[0]).forward)))
    assigned = [node for node in ast.walk(forward) if isinstance(node, ast.Assign)]
    names = {
        node.targets[0].id for node in assigned if "ALL_ATTENTION_FUNCTIONS" in ast.dump(node.value)
    }
    assert len(names) == 1
    called = [
        node
        for node in ast.walk(forward)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in names
    ]
    assert len(called) == 1
    scaling = next(keyword.value for keyword in called[0].keywords if keyword.arg == "scaling")
    assert ast.unparse(scaling) == "self.scaling"
    assert isinstance(attention[0].scaling, float)


def test_projections_are_written_so_that_they_can_be_fused(base):
    layer = base.layer_stack.layers[0]
    source = inspect.getsource(type(layer.attention).forward)
    for name in ("query", "key", "value"):
        assert f"self.{name}_linear(hidden_states)" in source
    source = inspect.getsource(type(layer.feedforward).forward)
    assert "self.activation(self.gate_proj(x)) * self.up_proj(x)" in source
    assert isinstance(layer.feedforward.activation, nn.SiLU)


def test_tensor_parallel_plan_covers_every_linear_map(base):
    plan = {re.escape(name).replace(r"\*", r"\d+"): style for name, style in base.tp_plan.items()}
    modules = dict(base.named_modules())
    assert all(any(re.fullmatch(pattern, name) for name in modules) for pattern in plan)
    linear = [name for name, module in modules.items() if isinstance(module, nn.Linear)]
    assert all(any(re.fullmatch(pattern, name) for pattern in plan) for name in linear)
    assert set(plan.values()) == {"colwise", "rowwise"}


class Missing(nn.Identity):
    """What a stage has in place of a module that another stage holds."""

    def forward(self, *args, **kwargs):
        return args[0] if args else next(iter(kwargs.values()))


def pipeline_stage(model, rank, world):
    """What vLLM does to the base model on one rank of a pipeline."""
    names = list(model._pp_plan)
    lists = [name for name in names if isinstance(attrgetter(name)(model), nn.ModuleList)]
    assert len(lists) == 1
    index = names.index(lists[0])
    first, last = rank == 0, rank == world - 1
    layers = attrgetter(lists[0])(model)
    kept = range(rank * LAYERS // world, (rank + 1) * LAYERS // world)
    for i in set(range(len(layers))) - set(kept):
        layers[i] = Missing()
    dropped = ([] if first else names[:index]) + ([] if last else names[index + 1 :])
    for name in dropped:
        owner, _, attribute = name.rpartition(".")
        setattr(attrgetter(owner)(model) if owner else model, attribute, Missing())
    return model


def test_pipeline_stages_make_up_the_model(base, model_dir, modules_cache):
    ids, positions = tokens(1, 9), torch.arange(9)[None]
    whole = run(base, input_ids=ids, position_ids=positions)
    stages = []
    for rank in range(2):
        stage = AutoModel.from_config(base.config, trust_remote_code=True).eval()
        stage.load_state_dict(base.state_dict())
        stages.append(pipeline_stage(stage, rank, 2))
    hidden = run(stages[0], input_ids=ids, position_ids=positions)
    assert not torch.allclose(hidden, whole)
    assert torch.equal(run(stages[1], inputs_embeds=hidden, position_ids=positions), whole)
    assert sum(1 for _ in stages[0].parameters()) == 1 + 9 * LAYERS // 2


def test_config_names_what_vllm_reads(base):
    assert next(iter(base.config.auto_map)) == "AutoConfig"
    assert "AutoModel" in base.config.auto_map
    names = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    assert all(getattr(base.config, name) == CONFIG[name] for name in names)
    assert base.config.num_key_value_heads == 2
    assert base.config.head_dim == 8


def test_head_has_its_own_plan(make_model):
    model = make_model()
    assert model.tp_plan["lm_head"] == "colwise_gather_output"
    assert model.pp_plan["lm_head"] == (["hidden_states"], ["logits"])
    assert "causal_lm.layer_stack.layers.*.attention.query_linear" in model.tp_plan
