"""Model packages on disk: the same bytes for the same content, published whole, and checked."""

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from forgather.codegen.package import generate_model_code
from forgather.errors import BuildError, Span
from forgather.ml import model_package
from forgather.ml.model_package import load_config, load_tokenizer, new_model, write_model_package
from tests.modelsrc.small_models import CONFIG, TP_PLAN, make_factory, singleton, tokens


@pytest.fixture(autouse=True)
def quiet_torch():
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def code():
    return generate_model_code(make_factory(), short_name="small", tp_plan=TP_PLAN)


@pytest.fixture(scope="module")
def tokenizer():
    words = ["<pad>", "<bos>", "<eos>", *(f"word{i}" for i in range(93))]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, "<pad>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", bos_token="<bos>", eos_token="<eos>"
    )


@pytest.fixture
def config():
    return {name: value for name, value in CONFIG.items() if not name.endswith("_token_id")}


def contents(directory):
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in Path(directory).rglob("*")
        if path.is_file()
    }


def test_package_has_all_but_weights(code, config, tokenizer, tmp_path):
    package = Path(
        write_model_package(code, config, tokenizer, {"do_sample": True, "top_k": 20}, tmp_path)
    )
    assert package.parent == tmp_path
    assert package.name.startswith("small-")
    files = contents(package)
    assert {*code, "config.json", "generation_config.json", "tokenizer.json"} <= set(files)
    fields = json.loads(files["config.json"])
    assert fields["auto_map"] == {
        "AutoConfig": "configuration_small.DynamicCausalLMConfig",
        "AutoModel": "modeling_small.DynamicCausalModel",
        "AutoModelForCausalLM": "modeling_small.DynamicCausalLM",
    }
    assert fields["model_type"] == "forgather-dynamic-causal-small"
    assert fields["architectures"] == ["DynamicCausalLM"]
    assert [fields[f"{name}_token_id"] for name in ("pad", "bos", "eos")] == [0, 1, 2]
    assert json.loads(files["generation_config.json"]) == {
        "do_sample": True,
        "top_k": 20,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def test_same_content_same_bytes_on_two_paths(code, config, tokenizer, tmp_path):
    first = write_model_package(code, config, tokenizer, parent_dir=tmp_path / "here")
    reordered = dict(reversed(config.items()))
    second = write_model_package(code, reordered, tokenizer, parent_dir=tmp_path / "over there")
    assert Path(first).name == Path(second).name
    assert contents(first) == contents(second)
    text = b"".join(contents(first).values())
    assert str(tmp_path).encode() not in text


def test_equal_package_is_reused_and_using_it_leaves_it_alone(code, config, tmp_path):
    package = write_model_package(code, config, None, parent_dir=tmp_path)
    before = {path: path.stat().st_mtime_ns for path in Path(package).rglob("*")}
    new_model(package)
    assert write_model_package(code, config, None, parent_dir=tmp_path) == package
    assert {path: path.stat().st_mtime_ns for path in Path(package).rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == [Path(package).name]


def test_changed_config_is_another_package(code, config, tmp_path):
    first = write_model_package(code, config, None, parent_dir=tmp_path)
    second = write_model_package(code, {**config, "rms_norm_eps": 1e-5}, None, parent_dir=tmp_path)
    assert first != second
    assert load_config(first).rms_norm_eps == 1e-6
    assert load_config(second).rms_norm_eps == 1e-5


def test_damaged_package_is_written_again(code, config, tmp_path):
    package = Path(write_model_package(code, config, None, parent_dir=tmp_path))
    whole = contents(package)
    (package / "causal_lm.py").write_text("broken")
    assert write_model_package(code, config, None, parent_dir=tmp_path) == str(package)
    assert contents(package) == whole


def test_new_models(code, config, tokenizer, tmp_path):
    package = write_model_package(code, config, tokenizer, {"max_length": 12}, tmp_path)
    model = new_model(package, attn_implementation="eager", dtype="bfloat16")
    assert model.config._attn_implementation == "eager"
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    assert (model.generation_config.max_length, model.generation_config.eos_token_id) == (12, 2)
    assert new_model(package).dtype == torch.float32
    assert all(parameter.is_meta for parameter in new_model(package, device="meta").parameters())
    torch.manual_seed(7)
    first = new_model(package)
    second = new_model(package)
    torch.manual_seed(7)
    third = new_model(package)
    head = [model.lm_head.weight for model in (first, second, third)]
    assert torch.equal(head[0], head[2])
    assert not torch.equal(head[0], head[1])
    assert type(first) is type(second)


def test_tokenizer_of_a_package(code, config, tokenizer, tmp_path):
    package = write_model_package(code, config, tokenizer, parent_dir=tmp_path)
    loaded = load_tokenizer(package)
    assert loaded.encode("word3 word7") == tokenizer.encode("word3 word7")
    assert loaded.eos_token_id == 2


def test_needs_no_network_and_no_module_cache(code, config, tokenizer, tmp_path, monkeypatch):
    import socket

    def refuse(*args, **kwargs):
        raise AssertionError("no network is needed")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    package = write_model_package(code, config, tokenizer, parent_dir=tmp_path)
    known = {name for name in sys.modules if name.startswith("transformers_modules")}
    new_model(package)
    load_tokenizer(package)
    assert {name for name in sys.modules if name.startswith("transformers_modules")} == known


def test_edited_code_is_imported_anew(code, config, tmp_path):
    package = Path(write_model_package(code, config, None, parent_dir=tmp_path))
    first = new_model(package)
    copied = tmp_path / "copied"
    shutil.copytree(package, copied)
    loss = (copied / "causal_loss.py").read_text()
    (copied / "causal_loss.py").write_text(loss.replace("return total /", "return 3 * total /"))
    second = new_model(copied)
    second.load_state_dict(first.state_dict())
    ids = tokens(1, 6)
    torch.testing.assert_close(second(ids, labels=ids).loss, 3 * first(ids, labels=ids).loss)


def test_saved_model_keeps_its_code(code, config, tmp_path):
    package = write_model_package(code, config, None, parent_dir=tmp_path)
    model = new_model(package)
    model.save_pretrained(tmp_path / "saved")
    assert set(code) <= {path.name for path in (tmp_path / "saved").iterdir()}
    loaded = new_model(tmp_path / "saved")
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert load_config(tmp_path / "saved").auto_map == load_config(package).auto_map


@pytest.mark.parametrize("as_object", [True, False], ids=["object", "dict"])
def test_class_of_transformers_itself(tokenizer, tmp_path, as_object):
    fields = {**CONFIG, "num_hidden_layers": 1}
    config = LlamaConfig(**fields) if as_object else {"model_type": "llama", **fields}
    package = write_model_package({}, config, tokenizer, parent_dir=tmp_path)
    assert Path(package).name.startswith("llama-")
    assert "transformers_version" not in json.loads((Path(package) / "config.json").read_text())
    model = new_model(package, attn_implementation="eager")
    assert type(model) is LlamaForCausalLM
    assert model.config.num_hidden_layers == 1


def failure(message, *args, **kwargs):
    with pytest.raises(BuildError) as caught:
        write_model_package(*args, **kwargs)
    assert message in caught.value.message
    return caught.value


def test_vocabulary_must_fit_the_tokenizer(code, config, tokenizer, tmp_path):
    for size in (95, 32000):
        error = failure(
            f"vocab_size is {size}, but the tokenizer has 96 tokens",
            code,
            {**config, "vocab_size": size},
            tokenizer,
            parent_dir=tmp_path,
        )
        assert "len(tokenizer)" in error.hint
    assert write_model_package(code, {**config, "vocab_size": 128}, tokenizer, parent_dir=tmp_path)


def test_wrong_generation_setting(code, config, tmp_path):
    error = failure("no setting 'do_smaple'", code, config, None, {"do_smaple": True}, tmp_path)
    assert error.hint == "did you mean 'do_sample'?"
    failure("generation_config:", code, config, None, {"temperature": -1.0}, tmp_path)


def test_config_must_be_data(code, config, tmp_path):
    failure(
        "config.json cannot be written", code, {**config, "x": object()}, None, parent_dir=tmp_path
    )
    failure(
        "config.json cannot be written",
        code,
        {**config, "x": float("nan")},
        None,
        parent_dir=tmp_path,
    )


def test_constructor_that_fails_names_the_line_of_the_config(config, tmp_path):
    factory = make_factory()
    rotary = factory["causal_model"].kwargs["layer_stack"].kwargs["layer_factory"]
    rotary = rotary.kwargs["attention_factory"].kwargs["pos_encoder"]
    rotary.span = Span("model.yaml", 21, text="relative_pe: !singleton:.rotary_embeddings:RotaryPE")
    code = generate_model_code(factory, short_name="small")
    wrong = {**config, "rope_parameters": {"rope_type": "spiral"}}
    error = failure("rope_type 'spiral' is unknown", code, wrong, None, parent_dir=tmp_path)
    assert error.where == rotary.span
    assert list(tmp_path.iterdir()) == []
    plain = failure("rope_type 'spiral'", dict(code), wrong, None, parent_dir=tmp_path)
    assert plain.where.template == "rotary_embeddings.py" or "rope" in plain.where.template


def test_field_that_the_model_needs_but_the_config_lacks(code, config, tmp_path):
    del config["rms_norm_eps"]
    failure("'rms_norm_eps'", code, config, None, parent_dir=tmp_path)


def test_wrong_type_in_the_config(code, config, tmp_path):
    failure("hidden_size", code, {**config, "hidden_size": "wide"}, None, parent_dir=tmp_path)


def test_plan_that_matches_nothing(config, tmp_path):
    plan = {"model.layer_stack.layers.*.attention.query": "colwise"}
    code = generate_model_code(make_factory(), short_name="small", tp_plan=plan)
    error = failure("no module of the model is named", code, config, None, parent_dir=tmp_path)
    assert "attention.query_linear" in error.hint


def test_package_without_a_name(tmp_path):
    failure("a model package needs a name", {}, {"hidden_size": 8}, None, parent_dir=tmp_path)


def test_full_disk_leaves_nothing_behind(code, config, tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_package, "fsync_path", full)
    failure("No space left on device", code, config, None, parent_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_directory_that_is_no_package(tmp_path):
    with pytest.raises(BuildError, match=r"it has no config\.json"):
        new_model(tmp_path)
    (tmp_path / "config.json").write_text('{"vocab_size": ')
    with pytest.raises(BuildError, match="is damaged"):
        load_config(tmp_path)


def test_own_loss_without_the_factory_default(config, tmp_path):
    """Any callable with the right arguments is a loss."""
    factory = {
        **make_factory(),
        "loss_fn": singleton("functools:partial", function="x"),
    }
    factory["loss_fn"].kwargs.clear()
    factory["loss_fn"].args.append(singleton(".causal_loss:CausalLoss", ignore_index=3))
    code = generate_model_code(factory, short_name="small")
    model = new_model(write_model_package(code, config, None, parent_dir=tmp_path))
    ids = torch.full((1, 5), 3)
    assert model(ids, labels=ids).loss == 0
