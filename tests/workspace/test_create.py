"""Creating workspaces, projects and configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from forgather import MetaConfig, Project
from forgather.errors import ProjectError
from forgather.resources import forgather_dir
from forgather.workspace.create import create_config, create_project, create_workspace

HERE = str(forgather_dir())


@pytest.fixture
def workspace(tmp_path: Path) -> str:
    return create_workspace("My ML v1.0", "Research", forgather_dir=HERE, parent=str(tmp_path))


def test_workspace(tmp_path: Path, workspace: str) -> None:
    assert workspace == str(tmp_path / "my_ml_v10")
    folder = Path(workspace, "forgather_workspace")
    assert (folder / "README.md").read_text() == "# My ML v1.0\n\nResearch\n"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "base_directories.yaml",
        "meta_defaults.yaml",
    ]


def test_project_works_at_once(workspace: str) -> None:
    folder = create_project(
        'Sentiment: "A" {{ x }}', "It's ## good", parent=workspace, directory="s"
    )
    project = Project("", folder)
    assert project() == "Main Output"
    assert project.meta.name == 'Sentiment: "A" {{ x }}'
    assert project.meta.description == "It's ## good"
    assert project("meta")["config_description"] == "It's ## good"
    assert project.loaded.warnings == []


def test_all_libraries_unless_some_are_named(tmp_path: Path, workspace: str) -> None:
    path = MetaConfig(create_project("p", "", parent=workspace)).searchpath
    assert path[:2] == [f"{workspace}/p/templates", f"{workspace}/forgather_workspace"]
    assert path[-1] == f"{HERE}/templatelib/base"
    other = create_workspace(
        "w", "", forgather_dir=HERE, directory=str(tmp_path / "w"), libraries=["base"],
        search_path=[str(tmp_path / "extra")],
    )  # fmt: skip
    assert MetaConfig(create_project("p", "", parent=other)).searchpath == [
        f"{other}/p/templates",
        str(tmp_path / "extra"),
        f"{other}/forgather_workspace",
        f"{HERE}/templatelib/base",
    ]


def test_relative_forgather_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fg/templatelib/base").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    workspace = create_workspace("w", "", forgather_dir="fg")
    meta = MetaConfig(create_project("p", "", parent=workspace))
    assert meta.searchpath[-1] == str(tmp_path / "fg/templatelib/base")


def test_wrong_forgather_dir_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        create_workspace("w", "", forgather_dir=str(tmp_path), parent=str(tmp_path))
    assert caught.value.code == "FG508"
    assert list(tmp_path.iterdir()) == []


def test_unknown_library(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        create_workspace("w", "", forgather_dir=HERE, parent=str(tmp_path), libraries=["bas"])
    assert caught.value.hint == "did you mean 'base'?"


def test_settings_of_a_project(workspace: str, tmp_path: Path) -> None:
    (tmp_path / "source.yaml").write_text("main: copied\n")
    folder = create_project(
        "p", "d", parent=workspace, directory="dir", config_prefix="experiments",
        default_config="baseline.yaml", copy_from=str(tmp_path / "source.yaml"),
    )  # fmt: skip
    assert Path(folder).name == "dir"
    assert Path(folder, "templates/experiments/baseline.yaml").is_file()
    assert Project("", folder)() == "copied"


def test_nothing_is_overwritten(workspace: str, tmp_path: Path) -> None:
    folder = create_project("p", "", parent=workspace)
    create_config(folder, "x")
    for create in (
        lambda: create_workspace("My ML v1.0", "", forgather_dir=HERE, parent=str(tmp_path)),
        lambda: create_project("p", "", parent=workspace),
        lambda: create_config(folder, "x.yaml"),
    ):
        with pytest.raises(ProjectError) as caught:
            create()
        assert caught.value.code == "FG507"


def test_a_project_is_in_a_workspace(tmp_path: Path) -> None:
    with pytest.raises(ProjectError) as caught:
        create_project("p", "", parent=str(tmp_path))
    assert caught.value.code == "FG502"


def test_configs(workspace: str) -> None:
    folder = create_project("p", "", parent=workspace)
    create_config(folder, "new")
    assert Project("new.yaml", folder)() == "Main Output"
    assert create_config(folder, "base", kind="project") == f"{folder}/templates/base.yaml"
    assert create_config(folder, "all", kind="ws") == f"{workspace}/forgather_workspace/all.yaml"
    copied = create_config(folder, "c", copy_from=f"{folder}/templates/configs/default.yaml")
    assert Path(copied).read_text() == Path(folder, "templates/configs/default.yaml").read_text()


def test_a_source_that_is_not_there(workspace: str) -> None:
    with pytest.raises(ProjectError, match="cannot copy"):
        create_project("p", "", parent=workspace, copy_from="/nowhere.yaml")
    assert not Path(workspace, "p").exists()
