"""A package and its checkpoints load elsewhere: exactly, with their code, and without Forgather."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

from forgather.codegen.package import generate_model_code
from forgather.ml.model_package import new_model, write_model_package
from tests.modelsrc.small_models import (
    CONFIG,
    isolated_environment,
    make_factory,
    singleton,
    tokens,
    variable,
)

REMOTE = {"trust_remote_code": True}


def fill_and_free_memory():
    """Leave garbage in the memory that the next allocations get."""
    for _ in range(3):
        dirt = [torch.full((size,), 1e30) for size in (8, 16, 64, 512, 4096, 65536)]
        del dirt


def assert_exact(model, reloaded, ids):
    ours, theirs = model.state_dict(), reloaded.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with torch.no_grad():
        assert torch.equal(model(ids).logits, reloaded(ids).logits)


@pytest.mark.parametrize("tied", [False, True], ids=["untied", "tied"])
def test_saved_model_loads_exactly(make_model, modules_cache, tmp_path, tied):
    model = make_model(tie_word_embeddings=tied)
    model.save_pretrained(tmp_path / "first")
    fill_and_free_memory()
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "first", **REMOTE)
    assert_exact(model, loaded, tokens(2, 9))
    assert (loaded.lm_head.weight is loaded.get_input_embeddings().weight) == tied
    loaded.save_pretrained(tmp_path / "second")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "second", **REMOTE)
    assert_exact(model, again, tokens(2, 9))
    assert {path.name for path in (tmp_path / "first").glob("*.py")} == {
        path.name for path in (tmp_path / "second").glob("*.py")
    }


def test_base_model_loads_by_itself(make_model, modules_cache, tmp_path):
    model = make_model()
    model.save_pretrained(tmp_path)
    base = AutoModel.from_pretrained(tmp_path, **REMOTE).eval()
    ids = tokens(2, 9)
    with torch.no_grad():
        hidden = base(ids).last_hidden_state
        assert torch.equal(hidden, model(ids, return_hidden_states=True))
    assert set(base.state_dict()) == {
        name.removeprefix("causal_lm.")
        for name in model.state_dict()
        if name.startswith("causal_lm.")
    }
    base.save_pretrained(tmp_path / "base")
    assert AutoModel.from_pretrained(tmp_path / "base", **REMOTE).eval()(ids)[0].equal(hidden)


def test_weights_have_the_promised_names(make_model):
    names = set(make_model().state_dict())
    layer = "causal_lm.layer_stack.layers.1"
    assert {
        "causal_lm.input_encoder.embedding.weight",
        "causal_lm.layer_stack.layer_norm.weight",
        "lm_head.weight",
        f"{layer}.norm1.weight",
        f"{layer}.norm2.weight",
        *(
            f"{layer}.attention.{name}_linear.weight"
            for name in ("query", "key", "value", "output")
        ),
        *(f"{layer}.feedforward.{name}_proj.weight" for name in ("gate", "up", "down")),
    } <= names


def test_missing_weights_are_initialised_and_loaded_ones_kept(make_model, modules_cache, tmp_path):
    from safetensors.torch import load_file, save_file

    model = make_model()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    model.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    lost = "causal_lm.layer_stack.layers.1.attention.query_linear.weight"
    del weights[lost]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    fill_and_free_memory()
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, **REMOTE).state_dict()
    assert all(torch.equal(loaded[name], weights[name]) for name in weights)
    assert loaded[lost].abs().max() <= 0.06


def test_copies_are_independent(make_model):
    import copy

    model = make_model()
    clone = copy.deepcopy(model)
    ids = tokens(1, 5)
    with torch.no_grad():
        before = model(ids).logits
        for parameter in clone.parameters():
            parameter.zero_()
        assert torch.equal(model(ids).logits, before)
        assert torch.equal(clone(ids).logits, torch.zeros_like(before))


OWN_PARTS = {
    "own_positions.py": '''
"""A part with a table that is not saved."""
import torch
from torch import nn
from transformers.initialization import copy_


class OwnPositions(nn.Module):
    def __init__(self, d_model, length=64):
        super().__init__()
        self.d_model, self.length = d_model, length
        self.register_buffer("table", self.make_table(), persistent=False)

    def make_table(self):
        return torch.linspace(0, 1, self.length)[:, None].expand(-1, self.d_model).clone()

    def reset_buffers(self):
        copy_(self.table, self.make_table())

    def reset_parameters(self):
        pass

    def forward(self, x, position_ids):
        return x + self.table[position_ids]
''',
    "own_loss.py": '''
"""A loss that is a module."""
from torch import nn

from .causal_loss import CausalLoss


class OwnLoss(nn.Module):
    def forward(self, logits, labels, **kwargs):
        return 2 * CausalLoss()(logits, labels)
''',
}


def test_own_parts_from_the_project(modules_cache, tmp_path):
    """A table that is not saved is made anew on loading; a loss that is a module is really used."""
    sources = tmp_path / "modelsrc"
    sources.mkdir()
    for name, text in OWN_PARTS.items():
        (sources / name).write_text(text)
    factory = make_factory(positions="none")
    encoder = factory["causal_model"].kwargs["input_encoder"]
    encoder.kwargs["positional_encoder"] = singleton(
        ".own_positions:OwnPositions", d_model=variable("hidden_size")
    )
    own_loss = {**factory, "loss_fn": singleton(".own_loss:OwnLoss")}
    parts = Path(__file__).parents[2] / "modelsrc" / "transformer"
    models = []
    for graph in (factory, own_loss):
        code = generate_model_code(graph, short_name="own", searchpath=[str(sources), str(parts)])
        torch.manual_seed(3)
        models.append(
            new_model(write_model_package(code, CONFIG, None, parent_dir=tmp_path)).eval()
        )
    ids = tokens(1, 8)
    plain, own = (model(ids, labels=ids) for model in models)
    torch.testing.assert_close(own.loss, 2 * plain.loss)
    models[1].save_pretrained(tmp_path / "saved")
    fill_and_free_memory()
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "saved", **REMOTE).eval()
    table = loaded.causal_lm.input_encoder.positional_encoder.table
    assert torch.equal(table, models[1].causal_lm.input_encoder.positional_encoder.table)
    assert_exact(models[1], loaded, ids)


ISOLATED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("forgather", "modelsrc"):
            raise ImportError("this process must do without " + name)
sys.meta_path.insert(0, Blocker())
import torch
from transformers import AutoConfig, AutoModelForCausalLM
torch.set_num_threads(1)
dirt = [torch.full((size,), 1e30) for size in (8, 16, 64, 512, 4096, 65536)]
del dirt
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], trust_remote_code=True).eval()
ids = torch.arange(3, 12)[None]
cached = model.generate(ids, max_new_tokens=8, do_sample=False)
assert torch.equal(cached, model.generate(ids, max_new_tokens=8, do_sample=False, use_cache=False))
torch.save({"ids": cached, "logits": model(ids).logits.detach()}, sys.argv[2])
assert not any(name.startswith("forgather.") for name in sys.modules)
"""


def test_loads_in_a_process_without_forgather(make_model, tmp_path):
    model = make_model()
    model.save_pretrained(tmp_path / "copied elsewhere")
    command = [
        sys.executable,
        "-I",
        "-c",
        ISOLATED,
        tmp_path / "copied elsewhere",
        tmp_path / "out",
    ]
    done = subprocess.run(
        command, env=isolated_environment(tmp_path), cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    there = torch.load(tmp_path / "out")
    ids = torch.arange(3, 12)[None]
    with torch.no_grad():
        assert torch.equal(there["logits"], model(ids).logits)
    assert torch.equal(there["ids"], model.generate(ids, max_new_tokens=8, do_sample=False))


def test_config_survives_the_round_trip(model_dir, modules_cache, tmp_path):
    package = model_dir(rms_norm_eps=1e-4, my_own_field={"deep": [1, 2]})
    config = AutoConfig.from_pretrained(package, **REMOTE)
    assert (config.rms_norm_eps, config.my_own_field) == (1e-4, {"deep": [1, 2]})
    assert config.head_dim == CONFIG["hidden_size"] // CONFIG["num_attention_heads"]
    config.save_pretrained(tmp_path / "config")
    again = AutoConfig.from_pretrained(tmp_path / "config", **REMOTE)
    again.name_or_path = config.name_or_path
    assert again.to_dict() == config.to_dict()
