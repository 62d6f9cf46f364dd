"""What the templates name is real: models are built and a training takes a step.

Tokenizer and data are small stand-ins; everything else is what the configs say.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from forgather.graph.materialize import materialize
from forgather.project import Project

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VOCABULARY = 2000


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    special = ["<|BOS|>", "<|PAD|>", "<|EOS|>", "<|UNK|>"]
    words = special + [f"w{number}" for number in range(len(special), VOCABULARY)]
    model = models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<|UNK|>")
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(model),
        bos_token="<|BOS|>",
        pad_token="<|PAD|>",
        eos_token="<|EOS|>",
        unk_token="<|UNK|>",
        model_max_length=2048,
    )


def new_model(project: Project, tokenizer: Any, folder: Path) -> torch.nn.Module:
    config = project.config
    constructor = materialize(
        config,
        "model",
        {"build_dir": str(folder)},
        overrides={id(config["tokenizer"]): tokenizer},
    )
    torch.manual_seed(0)
    return constructor()


def check_model(model: torch.nn.Module, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    ids = torch.randint(4, VOCABULARY, (2, 16))
    loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    # Knowing nothing costs ln(2000) = 7.6.
    assert 7.4 < loss.item() < 8.0
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("project", "config", "parameters"),
    [
        ("models/llama", "4M.yaml", 4_188_416),
        ("models/causal_lm", "4M.yaml", 4_178_944),
        ("tiny_experiments/llama_nope", "nope_4M.yaml", 4_188_416),
        ("tutorials/tiny_llama/custom_models/llama", "post_layer_norm.yaml", 4_188_160),
        ("tutorials/tiny_llama", "train_hf_llama.yaml", 4_188_416),
    ],
)
def test_model_of_an_example_is_built(
    project: str, config: str, parameters: int, tokenizer: Any, tmp_path: Path
) -> None:
    loaded = Project(config, project_dir=str(EXAMPLES / project))
    check_model(new_model(loaded, tokenizer, tmp_path), parameters)


def test_model_of_a_template_is_built(
    make_project: Callable[..., Any], tokenizer: Any, tmp_path: Path
) -> None:
    project = make_project({"default.yaml": """
            -- extends 'models/model_type.yaml'
            [model_definition]
                -- include 'models/tiny/tiny_gpt2.yaml'
            """})()
    check_model(new_model(project, tokenizer, tmp_path), 4_195_840)


def test_grouped_heads_ties_and_scaled_positions(tokenizer: Any, tmp_path: Path) -> None:
    project = Project(
        "4M.yaml",
        project_dir=str(EXAMPLES / "models/llama"),
        num_key_value_heads=2,
        tie_word_embeddings=True,
        rope_parameters="{ rope_type: linear, rope_theta: 10000.0, factor: 2.0 }",
    )
    model = new_model(project, tokenizer, tmp_path)
    assert model.config.rope_parameters["rope_type"] == "linear"
    assert model.lm_head.weight is model.get_input_embeddings().weight
    check_model(model, 4_188_416 - VOCABULARY * 256 - 4 * 2 * 256 * 128)


def test_package_is_named_for_the_config_and_its_content(tokenizer: Any, tmp_path: Path) -> None:
    config = Project("4M.yaml", project_dir=str(EXAMPLES / "models/llama")).config
    made = {
        materialize(
            config,
            "model_package",
            {"build_dir": str(tmp_path)},
            overrides={id(config["tokenizer"]): tokenizer},
        )
        for _ in range(2)
    }
    (package,) = map(Path, made)
    assert package.name.startswith("tiny_llama-")
    assert (package / "modeling_tiny_llama.py").is_file()
    assert "Tiny Llama 4M" in (package / "modeling_tiny_llama.py").read_text()
    assert str(tmp_path) not in (package / "config.json").read_text()


def rows(count: int) -> list[dict[str, list[int]]]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(4, VOCABULARY, (count, 12), generator=generator)
    return [{"input_ids": row} for row in ids.tolist()]


def small_package(tokenizer: Any, folder: Path) -> str:
    """A narrower model than that of the config, to be quick."""
    config = Project("4M.yaml", project_dir=str(EXAMPLES / "models/llama"), hidden_size=64).config
    return materialize(
        config,
        "model_package",
        {"build_dir": str(folder)},
        overrides={id(config["tokenizer"]): tokenizer},
    )


@pytest.mark.parametrize(
    ("project", "config"),
    [
        ("tutorials/tiny_llama", "train_tiny_llama.yaml"),
        ("tutorials/tiny_llama", "train_hf_llama.yaml"),
        ("tiny_experiments/tiny_experiment", "batch_128.yaml"),
    ],
)
def test_training_config_trains(project: str, config: str, tokenizer: Any, tmp_path: Path) -> None:
    loaded = Project(
        config, project_dir=str(EXAMPLES / project), max_steps=1, output_dir=str(tmp_path / "model")
    )
    graph = loaded.config
    ready = {"tokenizer": tokenizer, "train_dataset": rows(128), "eval_dataset": rows(4)}
    if config != "train_hf_llama.yaml":
        ready["model_package"] = small_package(tokenizer, tmp_path)
    script = materialize(
        graph,
        "main",
        {"pp_config": str(loaded.pp_config), "build_dir": str(tmp_path)},
        overrides={id(graph[name]): value for name, value in ready.items()},
    )
    script.trainer.args.dataloader_num_workers = 0
    metrics = script.run()

    assert metrics["step"] == 1
    run = next((tmp_path / "model" / "runs").iterdir())
    assert (run / "config.yaml").read_text() == str(loaded.pp_config)
    header = json.loads((run / "trainer_logs.json").read_text().splitlines()[0])
    assert loaded("meta")["config_name"] in json.dumps(header)
