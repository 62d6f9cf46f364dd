"""``ws create`` and ``project``: what they make works at once."""

import json

import pytest


@pytest.fixture
def space(tmp_path, monkeypatch, forgather):
    monkeypatch.chdir(tmp_path)
    outcome = forgather(
        "ws", "create", "--name", "My Research v1.0", "--description", "Experiments", "-l", "base"
    )
    assert outcome.status == 0, outcome.err
    return tmp_path / "my_research_v10"


def test_a_workspace_is_created(space):
    folder = space / "forgather_workspace"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "base_directories.yaml",
        "meta_defaults.yaml",
    ]
    assert (folder / "README.md").read_text().startswith("# My Research v1.0\n")


def test_a_workspace_is_not_overwritten(space, forgather):
    outcome = forgather("ws", "create", "--name", "My Research v1.0", "--description", "Again")
    assert outcome.status == 1
    assert "exists" in outcome.err


def test_a_forgather_dir_that_is_none(tmp_path, forgather, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = forgather(
        "ws", "create", "--name", "x", "--description", "y", "--forgather-dir", "/nowhere"
    )
    assert outcome.status == 1
    assert "/nowhere" in outcome.err
    assert not (tmp_path / "x").exists()


def test_a_project_works_at_once(space, forgather, monkeypatch):
    monkeypatch.chdir(space)
    created = forgather("project", "create", "--name", "Project 1", "--description", "The first")
    assert created.status == 0, created.err
    monkeypatch.chdir(space / "project_1")
    assert forgather("ls").lines[0] == "Project 1 : The first"
    assert forgather("pp").status == 0
    assert forgather("targets").lines[-1] == "main"
    assert forgather("construct").out == "'Main Output'\n"
    assert forgather("check").status == 0


def test_a_project_is_not_overwritten(space, forgather, monkeypatch):
    monkeypatch.chdir(space)
    for status in (0, 1):
        outcome = forgather("project", "create", "--name", "P", "--description", "d")
        assert outcome.status == status


def test_a_project_outside_of_a_workspace(tmp_path, forgather, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = forgather("project", "create", "--name", "P", "--description", "d")
    assert outcome.status == 1
    assert "forgather_workspace" in outcome.err


def test_a_project_with_settings_and_a_copied_config(space, forgather, monkeypatch, tmp_path):
    source = tmp_path / "source.yaml"
    source.write_text("main: copied\n")
    monkeypatch.chdir(space)
    outcome = forgather(
        "project", "create", "--name", "Q", "--description", "d", "--config-prefix", "experiments",
        "--default-config", "baseline.yaml", "--project-dir-name", "quite", str(source),
    )  # fmt: skip
    assert outcome.status == 0, outcome.err
    assert (space / "quite/templates/experiments/baseline.yaml").read_text() == "main: copied\n"


def test_show(space, forgather, monkeypatch):
    monkeypatch.chdir(space)
    forgather("project", "create", "--name", "P", "--description", "d")
    outcome = forgather("-p", "p", "project", "show")
    assert outcome.status == 0
    shown = dict(line.split(":", 1) for line in outcome.lines if ":" in line)
    assert shown["Project Name"].strip() == "P"
    assert shown["Workspace Root"].strip() == str(space)
    assert shown["Default Config"].strip() == "default.yaml"
    assert (
        json.loads(forgather("-p", "p", "project", "show", "--format", "json").out)["name"] == "P"
    )


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("config", "p/templates/configs/new.yaml"),
        ("project", "p/templates/new.yaml"),
        ("ws", "forgather_workspace/new.yaml"),
    ],
)
def test_new_config(kind, place, space, forgather, monkeypatch):
    monkeypatch.chdir(space)
    forgather("project", "create", "--name", "P", "--description", "d")
    for status in (0, 1):  # the second time it exists
        outcome = forgather("-p", "p", "project", "new_config", "new.yaml", "--type", kind)
        assert outcome.status == status
        assert (space / place).is_file()
