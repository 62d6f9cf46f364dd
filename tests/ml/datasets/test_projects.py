"""The dataset and tokenizer projects of the examples, through the config language."""

from __future__ import annotations

from pathlib import Path

import pytest

from forgather.errors import DataError, ForgatherError
from forgather.project import Project

EXAMPLES = Path(__file__).parents[3] / "examples"
DATASET_TARGETS = {
    *("train_dataset_split", "validation_dataset_split", "test_dataset_split"),
    *("train_dataset", "eval_dataset", "test_dataset", "main"),
}
DATASETS = sorted((EXAMPLES / "datasets").glob("*/templates/configs/*.yaml"))
TOKENIZERS = sorted((EXAMPLES / "tokenizers").glob("*/templates/configs/*.yaml"))


def open_project(config: Path, **arguments) -> Project:
    return Project(config.name, str(config.parents[2]), **arguments)


def stories(**arguments) -> Project:
    return Project("stories.yaml", str(EXAMPLES / "datasets/stories"), **arguments)


def local_text(**arguments) -> Project:
    return Project("local_text.yaml", str(EXAMPLES / "datasets/local_text"), **arguments)


@pytest.mark.parametrize("config", DATASETS, ids=lambda path: f"{path.parts[-4]}/{path.name}")
def test_dataset_configs_have_the_contract_targets(config):
    loaded = open_project(config).config
    assert set(loaded) >= DATASET_TARGETS
    meta = loaded["meta"].kwargs
    assert meta["config_class"] == "type.dataset"
    assert meta["config_name"] not in ("", "Untitled")
    assert meta["config_description"] not in ("", "No description")


@pytest.mark.parametrize("config", TOKENIZERS, ids=lambda path: f"{path.parts[-4]}/{path.name}")
def test_tokenizer_configs_have_the_contract_targets(config):
    loaded = open_project(config).config
    assert {"tokenizer", "tokenizer_trainer", "main"} <= set(loaded)
    assert loaded["main"] is loaded["tokenizer"]
    assert loaded["meta"].kwargs["config_class"] == "type.tokenizer.bpe"


@pytest.mark.parametrize("directory", sorted({path.parents[2] for path in DATASETS + TOKENIZERS}))
def test_projects_have_a_page_and_a_default_that_exists(directory):
    assert (directory / "README.md").read_text().startswith("# ")
    assert Project("", str(directory)).config


def test_stories_from_grammar_to_blocks(tmp_path, letters, monkeypatch):
    monkeypatch.setattr(letters, "model_max_length", 10**6)
    project = stories()
    made = project(
        ["corpus", "train_dataset_split", "eval_dataset"],
        build_dir=str(tmp_path),
        tokenizer=letters,
        preprocess_args={"max_length": 100},
    )
    assert Path(made["corpus"]).parent == tmp_path
    assert len(made["train_dataset_split"]) == 20_000
    blocks = made["eval_dataset"]
    assert all(len(blocks[i]["input_ids"]) == 100 for i in range(len(blocks) - 1))
    again = project("corpus", build_dir=str(tmp_path))
    assert again == made["corpus"] and len(list(tmp_path.iterdir())) == 1


def test_local_text_takes_a_path_and_a_pattern(tmp_path, letters):
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.md").write_text("two\n")
    project = local_text(path=str(tmp_path), pattern="*.txt", validation_fraction=0.0)
    assert [row["text"] for row in project("train_dataset_split")] == ["one\n"]
    assert len(project("train_dataset", tokenizer=letters)) == 1
    with pytest.raises(ForgatherError, match="no documents for the split 'validation'"):
        project("eval_dataset", tokenizer=letters)


def test_local_text_without_a_path_is_the_standard_library():
    dataset = local_text()("validation_dataset_split")
    row = next(iter(dataset))
    assert row["source"].endswith(".py") and len(row["text"]) <= 20_000
    assert not [name for name, _ in dataset.files if "site-packages" in name or "/test" in name]


def test_a_path_that_does_not_exist_names_the_config_line():
    with pytest.raises(DataError, match="no such file or folder: /no/where") as caught:
        local_text(path="/no/where")("train_dataset_split")
    assert caught.value.where.path.endswith("local_text.yaml")


@pytest.mark.parametrize("name", ["roneneldan", "wikitext"])
def test_a_hub_dataset_without_a_connection_names_the_others(name, monkeypatch):
    library = pytest.importorskip("datasets")

    def offline(*args, **kwargs):
        raise ConnectionError("no route")

    monkeypatch.setattr(library, "load_dataset", offline)
    with pytest.raises(DataError, match="cannot be reached") as caught:
        Project("", str(EXAMPLES / "datasets" / name))("train_dataset_split")
    assert "examples/datasets/stories" in caught.value.hint


def test_a_hub_dataset_is_tokenized(monkeypatch, letters):
    library = pytest.importorskip("datasets")
    asked = []

    def load(path, name, **arguments):
        asked.append((path, name, arguments["split"]))
        return library.Dataset.from_list([{"text": "abc"}, {"text": "de"}])

    monkeypatch.setattr(library, "load_dataset", load)
    project = Project("tinystories-abridged.yaml", str(EXAMPLES / "datasets/roneneldan"))
    dataset = project("eval_dataset", tokenizer=letters, preprocess_args={"max_length": 8})
    assert asked == [("roneneldan/TinyStories", None, "validation[:500]")]
    assert dataset[0] == {"input_ids": [0, 10, 11, 12, 1, 0, 13, 14], "document_starts": [0, 5]}


def test_the_smallest_tokenizer_is_trained_by_its_config():
    config = EXAMPLES / "tokenizers/tiny_stories_bpe/templates/configs/256.yaml"
    trainer = open_project(config)("tokenizer_trainer")
    trainer.dataset = [{"text": "Once upon a time."}]
    tokenizer = trainer()
    assert len(tokenizer) == 260
    assert tokenizer.convert_tokens_to_ids("<|BOS|>") == tokenizer("a")["input_ids"][0] == 0
