"""A sweep of two real trainings through a real doit: shared work once, nothing mixed up, compared."""

import json
import os
import subprocess
import sys

import pytest

from tests.integration.workspace import REPOSITORY, TRAINING, Workspace

pytestmark = pytest.mark.xdist_group("sweep")

SWEPT = (
    TRAINING.replace("ns.learning_rate = 1.0e-3", "ns.learning_rate = lr | default(1.0e-3)")
    .replace("max_steps | toyaml(12)", "max_steps | toyaml(6)")
    .replace('ns.model_name = "mini"', 'ns.model_name = "swept"')
    + """\
[auxiliary_outputs]
sweep:
    grid: { lr: [ 2e-3, 3e-4 ] }
"""
)
ONE, TWO = "train:mini@lr=2e-3", "train:mini@lr=3e-4"
AFTER = ("checkpoint", "plot", "report")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORGATHER_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        space = Workspace(tmp_path_factory.mktemp("sweep"))
        space.config.write_text(SWEPT)
        yield space


@pytest.fixture(scope="module")
def trained(workspace):
    result = workspace.doit("-n", "2", "train:mini@*")
    assert result.code == 0, result.output
    return result


@pytest.fixture
def models(workspace):
    return workspace.root / "examples" / "mini" / "output_models"


def forgather(workspace, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "forgather.cli", *arguments],
        cwd=workspace.root / "examples" / "mini",
        env=workspace.environment() | {"PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


def of_kind(result, kind):
    return sorted(name for name in result.executed if name.startswith(f"{kind}:"))


def test_what_is_common_is_made_once_and_each_variant_is_trained(trained):
    assert of_kind(trained, "train") == [ONE, TWO]
    assert of_kind(trained, "dataset") == ["dataset:mini", "dataset:stories"]
    assert of_kind(trained, "tokenizer") == ["tokenizer:tiny_stories_bpe"]
    assert len(of_kind(trained, "model")) == 1
    for kind in AFTER:
        assert len(of_kind(trained, kind)) == 2


def test_each_variant_has_its_own_results(trained, models, workspace):
    weights = {
        name: (models / name / "model.safetensors").read_bytes()
        for name in ("swept@lr=2e-3", "swept@lr=3e-4")
    }
    assert len(set(weights.values())) == 2
    assert not list(models.glob("*/earlier")), "no training set another aside"
    assert not (models / "swept").exists()
    page = workspace.root / "build" / "mini@lr=3e-4" / "report" / "report.html"
    assert page.exists()


def test_again_nothing_runs_whatever_the_spelling(trained, workspace):
    for name in ("train:mini@*", TWO, "train:mini@lr=0.0003"):
        again = workspace.doit(name)
        assert (again.code, again.executed) == (0, []), again.output


def test_several_variants_on_one_command_line(trained, workspace):
    result = workspace.doit("pp:mini@max_steps=5,lr=1e-1", "pp:mini@lr=0.1,max_steps=4")
    assert result.code == 0, result.output
    assert result.executed == ["pp:mini@lr=0.1,max_steps=5", "pp:mini@lr=0.1,max_steps=4"]


def test_one_more_value_is_one_more_training(trained, workspace):
    workspace.edit(workspace.config, "lr: [ 2e-3, 3e-4 ]", "lr: [ 5e-4, 3e-4, 2e-3 ]")
    try:
        result = workspace.doit("train:mini@*")
    finally:
        workspace.edit(workspace.config, "lr: [ 5e-4, 3e-4, 2e-3 ]", "lr: [ 2e-3, 3e-4 ]")
    assert result.code == 0, result.output
    assert of_kind(result, "train") == ["train:mini@lr=5e-4"]
    assert not of_kind(result, "dataset") + of_kind(result, "model")


def test_runs_are_compared_by_their_variables(trained, workspace):
    table = forgather(workspace, "-t", "mini.yaml", "logs", "table", "--format", "json")
    assert table.returncode == 0, table.stderr
    rows = json.loads(table.stdout)
    best = [row["best_eval_loss"] for row in rows]
    assert best == sorted(best)
    found = {row["variables"]["lr"]: row for row in rows}
    assert found.keys() >= {2e-3, 3e-4}
    assert found[2e-3]["final_loss"] < found[3e-4]["final_loss"]
    assert found[2e-3]["total_steps"] == 6


def test_variants_are_listed(trained, workspace):
    assert "(sweep: 2 variants)" in forgather(workspace, "ls").stdout
    assert f"doit {TWO}" in forgather(workspace, "sweep").stdout
    listed = workspace.doit("list", "train:mini@*").output
    assert ONE in listed and TWO in listed
    assert "(sweep: 2 variants)" in workspace.doit("list", "--all", "train:mini").output


def test_a_variant_is_forgotten_and_cleaned_by_name(trained, workspace):
    plot = workspace.root / "build" / "mini@lr=3e-4" / "plot"
    assert workspace.doit("clean", "plot:mini@lr=3e-4").code == 0
    assert not plot.exists()
    assert workspace.doit("forget", "plot:mini@lr=0.0003").code == 0
    again = workspace.doit(TWO)
    assert "plot:mini@lr=3e-4" in again.executed and not of_kind(again, "train")
    assert sorted(os.listdir(plot)) == ["loss.png", "summary.json"]


def test_an_equal_config_takes_over_what_its_variant_learned(trained, workspace, models):
    """With the value of a variant the config itself is the same training: nothing is trained."""
    workspace.edit(workspace.config, "default(1.0e-3)", "default(2.0e-3)")
    try:
        result = workspace.doit("train:mini")
    finally:
        workspace.edit(workspace.config, "default(2.0e-3)", "default(1.0e-3)")
    assert result.code == 0, result.output
    assert "Training complete" not in result.output
    ours, theirs = (models / name for name in ("swept", "swept@lr=2e-3"))
    assert os.listdir(ours / "runs") == os.listdir(theirs / "runs")
    names = ("model.safetensors", "config.json")
    assert all((ours / name).read_bytes() == (theirs / name).read_bytes() for name in names)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("train:mini@lrr=1", "did you mean 'lr'?"),
        ("train:mini@lr=1,lr=2", "'lr' is given twice"),
        ("train:mini@lr=7,*", "no variant of mini fits @lr=7,*"),
        ("train:stories@*", "there is no sweep"),
        ("train:mimi@lr=1", "did you mean 'mini'?"),
    ],
)
def test_names_of_nothing_are_answered_before_anything_runs(trained, workspace, name, message):
    result = workspace.doit(name)
    assert result.code == 3 and result.executed == []
    assert message in result.output and "Traceback" not in result.output
