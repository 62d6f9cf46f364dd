"""What a user's mistake gets from a build: one message, the place, a non-zero exit, nothing lost."""

import json
import shutil

import pytest

pytestmark = pytest.mark.xdist_group("workspace")

MISTAKES = [
    ("a missing template", "projects/tiny.yaml", "projects/tinny.yaml", "mini.yaml:1", "FG103"),
    (
        "an undefined variable",
        "hidden_size: 32",
        "hidden_size: {{ no_such }}",
        "mini.yaml:11",
        "FG101",
    ),
    ("an error in the YAML", "hidden_size: 32", "hidden_size: [32", "mini.yaml", "FG201"),
    ("an unknown tag", "!dict:@tokenizer_args", "!dct:@tokenizer_args", "mini.yaml:16", "FG204"),
]


@pytest.mark.parametrize(
    "what, old, new, place, code", MISTAKES, ids=[m[0].replace(" ", "-") for m in MISTAKES]
)
def test_a_mistake_in_the_config_names_template_and_line(built, what, old, new, place, code):
    before = built.config.read_text()
    trained = (built.output / "training.json").read_bytes()
    built.edit(built.config, old, new)
    try:
        result = built.doit("train:mini")
    finally:
        built.config.write_text(before)
    assert result.code != 0
    assert place in result.output and code in result.output, result.output
    assert "Traceback" not in result.output
    assert (built.output / "training.json").read_bytes() == trained


def test_a_constructor_that_fails_names_the_line_of_its_argument(built):
    before = built.config.read_text()
    text = (
        before
        + "[lr_scheduler]\nlr_scheduler: &lr_scheduler !partial:forgather.ml.optim:InfiniteLRScheduler\n    warm_steps: 2\n"
    )
    built.config.write_text(text)
    try:
        result = built.doit("train:mini")
    finally:
        built.config.write_text(before)
        assert built.doit("train:mini").code == 0
    assert result.code == 1
    line = text.splitlines().index("    warm_steps: 2") + 1
    assert f"mini.yaml:{line}" in result.output and "Traceback" not in result.output
    assert "did you mean 'warmup_steps'?" in result.output


def test_a_dataset_path_that_does_not_exist_is_named(built):
    text = built.config.read_text().replace('"mini"', '"mini_local"')
    text = text.replace(
        "    -- set ns.learning_rate",
        "    -- set ns.dataset_project_dir = joinpath(ns.forgather_dir, 'examples/datasets/local_text')\n"
        '    -- set ns.dataset_project_config = "local_text.yaml"\n'
        "    -- set ns.learning_rate",
        1,
    )
    text += (
        '[dataset_project_pp_args]\n.define: &dataset_project_pp_args { path: "/no/such/folder" }\n'
    )
    folder = built.project("local_mini", "local_mini.yaml", text)
    try:
        result = built.doit("dataset:local_mini")
    finally:
        shutil.rmtree(folder)
    assert result.code == 1
    assert "/no/such/folder" in result.output and "Traceback" not in result.output


def test_a_truncated_checkpoint_is_passed_over(built, tmp_path):
    """The newest checkpoint is damaged: the one before is used, and the weights come out the same."""
    weights = (built.output / "model.safetensors").read_bytes()
    ledger = json.loads((built.output / "training.json").read_text())
    (built.output / "training.json").write_text(json.dumps(ledger | {"status": "running"}))
    steps = sorted(int(path.name.split("-")[1]) for path in built.output.glob("checkpoint-*"))
    assert len(steps) > 1
    newest = built.output / f"checkpoint-{steps[-1]}" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:1000])
    result = built.doit("train:mini")
    assert result.code == 0, result.output
    assert f"checkpoint-{steps[-1]}" in result.output, "the damaged one is named"
    assert (built.output / "model.safetensors").read_bytes() == weights
