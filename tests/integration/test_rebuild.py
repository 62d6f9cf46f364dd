"""Exactly what depends on a change is rebuilt: real edits, a real doit, real training."""

import json
import os
from contextlib import contextmanager

import pytest

from tests.integration.workspace import Workspace

pytestmark = pytest.mark.xdist_group("workspace")

AFTER = {"checkpoint:mini", "plot:mini", "report:mini"}


@contextmanager
def edited(workspace, path, old, new):
    """An edit for the length of a test; what it changed back is built again at the end."""
    before = path.read_text()
    workspace.edit(path, old, new)
    try:
        yield
    finally:
        path.write_text(before)
        result = workspace.doit("train:mini")
        assert result.code == 0, result.output


def executed(workspace, *tasks):
    result = workspace.doit(*(tasks or ("train:mini",)))
    assert result.code == 0, result.output
    return set(result.executed)


def kinds(names):
    return {name.partition(":")[0] for name in names}


def test_again_at_once_runs_nothing(built):
    assert executed(built) == set()


def test_touching_every_file_runs_nothing(built):
    for folder, _folders, files in os.walk(built.root):
        for name in files:
            if not name.endswith((".sqlite", "-wal", "-shm")):
                os.utime(os.path.join(folder, name))
    assert executed(built) == set()


@pytest.mark.parametrize("comment", ["## a comment of the preprocessor", "# a comment in the YAML"])
def test_a_comment_in_a_base_template_only_renders(built, comment):
    base = built.root / "templatelib" / "base" / "config_type.yaml"
    with edited(built, base, "-- block header\n", f"-- block header\n{comment}\n"):
        assert kinds(executed(built)) == {"pp"}


def test_a_learning_rate_trains_but_makes_no_model(built):
    first = json.loads((built.output / "training.json").read_text())
    with edited(built, built.config, "1.0e-3", "2.0e-3"):
        assert executed(built) == {"pp:mini", "graph:mini", "train:mini", *AFTER}
        earlier = built.output / "earlier" / first["key"][:16]
        assert (earlier / "training.json").exists(), "the first training was set aside"
    back = json.loads((built.output / "training.json").read_text())
    assert back["key"] == first["key"]


def test_changing_the_config_back_trains_nothing(built):
    weights = (built.output / "model.safetensors").read_bytes()
    with edited(built, built.config, "1.0e-3", "3.0e-3"):
        executed(built)
        assert (built.output / "model.safetensors").read_bytes() != weights
    assert (built.output / "model.safetensors").read_bytes() == weights
    assert executed(built) == set()


def test_logging_settings_do_not_train(built):
    with edited(built, built.config, "logging_steps: 1", "logging_steps: 2"):
        assert executed(built) == {"pp:mini", "graph:mini"}


def test_a_used_part_of_the_model_is_rebuilt_and_trained(built):
    part = built.root / "modelsrc" / "transformer" / "pre_ln_layer.py"
    with edited(built, part, "\n\n\n", "\n\n\n# changed\n"):
        done = kinds(executed(built))
        assert {"model", "train"} <= done
        assert not {"pp", "graph", "tokenizer", "dataset"} & done


def test_an_unused_part_of_the_model_changes_nothing(built):
    part = built.root / "modelsrc" / "transformer" / "sinusoidal_pe.py"
    with edited(built, part, "\n\n\n", "\n\n\n# changed\n"):
        assert executed(built) == set()


def test_a_damaged_artifact_is_noticed_and_mended(built):
    graph = built.root / "build" / "mini" / "graph.json"
    whole = graph.read_text()
    graph.write_text(whole[:100])
    result = built.doit("train:mini")
    assert result.executed == ["graph:mini"] and "altered" in result.output
    assert graph.read_text() == whole


def test_without_its_records_a_build_finds_its_results_again(built):
    trained = (built.output / "training.json").read_bytes()
    runs = sorted((built.output / "runs").iterdir())
    for path in (built.root / "build").glob("state-*"):
        path.unlink()
    result = built.doit("train:mini")
    assert result.code == 0, result.output
    assert "the training starts afresh" not in result.output
    assert (built.output / "training.json").read_bytes() == trained
    assert sorted((built.output / "runs").iterdir()) == runs
    assert executed(built) == set()


def test_forget_runs_the_task_again(built):
    assert built.doit("forget", "plot:mini").code == 0
    assert "plot:mini" in executed(built)


def test_clean_removes_what_was_published_and_keeps_what_was_trained(built):
    page = built.root / "build" / "mini" / "report" / "report.html"
    assert page.exists()
    assert built.doit("clean", "report:mini").code == 0
    assert not page.exists()
    assert built.doit("clean", "train:mini").code == 0
    assert (built.output / "model.safetensors").exists()
    assert executed(built) == {"report:mini"}
    assert page.exists()


def test_list_and_info(built):
    groups = built.doit("list").output
    assert "train" in groups and "train:mini" not in groups
    everything = built.doit("list", "--all").output
    assert "train:mini" in everything and "model:models/llama/4M" in everything
    info = built.doit("info", "train:mini").output
    assert "graph:mini" in info and "up-to-date" in info


def test_unknown_names_are_answered_with_the_nearest(built):
    result = built.doit("train:mimi")
    assert result.code != 0
    assert "no config 'mimi'" in result.output and "did you mean 'mini'?" in result.output
    assert "Traceback" not in result.output


def test_on_another_path_the_model_package_is_the_same_bytes(built, tmp_path):
    other = Workspace(tmp_path / "another" / "place")
    result = other.doit("model:mini", "graph:mini")
    assert result.code == 0, result.output
    assert package_bytes(other) == package_bytes(built)
    for name in ("config.yaml", "graph.json", "spans.json"):
        ours, theirs = (space.root / "build" / "mini" / name for space in (built, other))
        assert ours.read_text() == theirs.read_text()


def package_bytes(workspace):
    (folder,) = (workspace.root / "build" / "models" / "llama").glob("4M@*")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in (folder / "model").rglob("*")
        if path.is_file()
    }
