"""Every config that is shipped renders, parses, and says what it is, without importing torch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forgather.graph.nodes import CallableNode
from forgather.graph.walk import walk
from forgather.project import Project

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

TRAINING_TARGETS = [
    "distributed_env",
    "tokenizer",
    "model_package",
    "model",
    "tokenizer_args",
    "train_dataset",
    "eval_dataset",
    "data_collator",
    "experiment_info",
    "generation_config",
    "text_gen_callback_args",
    "trainer_callbacks",
    "optimizer",
    "lr_scheduler",
    "trainer_args",
    "model_preprocessor",
    "trainer",
    "dynamic_args",
    "meta",
    "main",
]
MODEL_TARGETS = [
    "tokenizer",
    "model_package",
    "pretrained_config",
    "pretrained_tokenizer",
    "model",
    "dynamic_args",
    "meta",
    "main",
]


def shipped() -> Iterator[tuple[str, str]]:
    """(project, config) of all examples."""
    for meta in sorted(EXAMPLES.rglob("meta.yaml")):
        configs = meta.parent / "templates" / "configs"
        for config in sorted(configs.rglob("*.yaml")):
            yield (
                meta.parent.relative_to(EXAMPLES).as_posix(),
                config.relative_to(configs).as_posix(),
            )


SHIPPED = list(shipped())


def load(project: str, config: str, **variables: object) -> Project:
    return Project(config, project_dir=str(EXAMPLES / project), **variables)


def test_examples_are_found() -> None:
    assert ("tutorials/tiny_llama", "train_tiny_llama.yaml") in SHIPPED
    assert ("models/llama", "4M.yaml") in SHIPPED


@pytest.mark.parametrize(("project", "config"), SHIPPED, ids="/".join)
@pytest.mark.filterwarnings("error")
def test_config_renders_and_parses(project: str, config: str) -> None:
    loaded = load(project, config)
    assert [warning.render() for warning in loaded.loaded.warnings] == []
    meta = loaded("meta")
    assert meta["config_name"] not in ("", "Untitled")
    assert meta["config_description"] not in ("", "No description")
    assert "main" in loaded.config
    # What Jinja makes of a Python None, and of a mapping, is a string in YAML.
    leaves = [visit.value for visit in walk(dict(loaded.config)) if isinstance(visit.value, str)]
    assert "None" not in leaves
    assert not [leaf for leaf in leaves if leaf.startswith("namespace(")]


@pytest.mark.parametrize(
    ("project", "config"),
    [pair for pair in SHIPPED if pair[0].startswith(("models/", "tiny_experiments/llama_nope"))],
    ids="/".join,
)
def test_model_config_has_the_model_targets(project: str, config: str) -> None:
    loaded = load(project, config)
    assert list(loaded.config) == MODEL_TARGETS
    assert loaded("meta")["config_class"] == "type.model"
    for name in MODEL_TARGETS[:5]:
        assert isinstance(loaded.config[name], CallableNode)


@pytest.mark.parametrize(
    ("project", "config"),
    [pair for pair in SHIPPED if pair[0] in ("tutorials/tiny_llama", "template_project")],
    ids="/".join,
)
def test_training_config_has_the_training_targets(project: str, config: str) -> None:
    loaded = load(project, config)
    names = [name for name in loaded.config if not name.startswith("pretrained_")]
    assert [name for name in names if name != "sweep"] == TRAINING_TARGETS
    assert loaded("meta")["config_class"] == "type.training_script.causal_lm"
    # These are made by the build, so each has to be a node of its own.
    for name in ("tokenizer", "model_package", "model", "train_dataset", "eval_dataset"):
        assert isinstance(loaded.config[name], CallableNode), name


def test_trainings_of_a_project_do_not_share_a_folder() -> None:
    folders: dict[str, str] = {}
    for project, config in SHIPPED:
        meta = load(project, config)("meta")
        if str(meta.get("config_class")).startswith("type.training_script"):
            assert meta["output_dir"] not in folders, (config, folders[meta["output_dir"]])
            folders[meta["output_dir"]] = config


def test_loading_imports_no_torch() -> None:
    program = (
        "import sys\n"
        "from forgather.project import Project\n"
        f"Project('train_tiny_llama.yaml', project_dir={str(EXAMPLES / 'tutorials/tiny_llama')!r})\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("hidden_size", 128, "hidden_size"),
        ("num_attention_heads", 8, "num_attention_heads"),
        ("num_key_value_heads", 2, "num_key_value_heads"),
        ("tie_word_embeddings", True, "tie_word_embeddings"),
        ("rope_parameters", "{ rope_type: linear, factor: 2.0 }", "rope_parameters"),
        ("sliding_window", 64, "sliding_window"),
    ],
)
def test_options_of_a_model_config_arrive(name: str, value: object, path: str) -> None:
    config = load("models/llama", "4M.yaml", **{name: value}).config
    fields = config["model_package"].kwargs["config"].kwargs
    expected = {"rope_type": "linear", "factor": 2.0} if name == "rope_parameters" else value
    assert fields[path] == expected


def test_option_that_is_not_given_leaves_the_template_its_default() -> None:
    config = load("models/llama", "llama3.2_1b.yaml").config
    assert config["model_package"].kwargs["config"].kwargs["tie_word_embeddings"] is True


def test_every_option_is_named_after_the_variable_it_sets() -> None:
    for project, config in SHIPPED:
        options = load(project, config)
        if "dynamic_args" not in options.config:
            continue
        for option in options("dynamic_args"):
            names = [option["names"]] if isinstance(option["names"], str) else option["names"]
            assert all(name.startswith("-") and name.strip('"') == name for name in names)
