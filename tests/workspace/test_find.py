"""Finding workspaces and projects, and naming configs."""

from __future__ import annotations

from pathlib import Path

import pytest

from forgather.errors import ProjectError
from forgather.workspace import build_root, find_project_dir, find_projects, find_workspace_dir
from forgather.workspace.ids import config_id, project_ids


def make(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


def test_workspace_is_the_nearest_above(tmp_path: Path) -> None:
    make(tmp_path, "forgather_workspace/x", "a/forgather_workspace/x", "a/b/c/x", "d/x")
    assert find_workspace_dir(tmp_path / "a/b/c") == str(tmp_path / "a/forgather_workspace")
    assert find_workspace_dir(tmp_path / "d") == str(tmp_path / "forgather_workspace")
    with pytest.raises(ProjectError):
        find_workspace_dir(tmp_path.parent)


def test_project_is_the_nearest_above(tmp_path: Path) -> None:
    make(tmp_path, "p/meta.yaml", "p/templates/configs/x")
    assert find_project_dir(tmp_path / "p/templates/configs") == str(tmp_path / "p")
    with pytest.raises(ProjectError) as caught:
        find_project_dir(tmp_path)
    assert caught.value.code == "FG501"


def test_projects_below(tmp_path: Path) -> None:
    make(
        tmp_path,
        "b/meta.yaml",
        "a/x/meta.yaml",
        "a/meta.yaml",
        ".hidden/meta.yaml",
        "build/meta.yaml",
        "a/output_models/m/meta.yaml",
        "forgather_workspace/meta.yaml",
        "myenv/pyvenv.cfg",
        "myenv/lib/meta.yaml",
    )
    found = [Path(path).relative_to(tmp_path).as_posix() for path in find_projects(tmp_path)]
    assert found == ["a", "a/x", "b"]


def test_build_root(tmp_path: Path) -> None:
    make(tmp_path, "dodo.py", "ws/forgather_workspace/x", "other/dodo.py")
    assert build_root(tmp_path / "ws") == str(tmp_path)
    assert build_root(tmp_path / "other") == str(tmp_path / "other")
    (tmp_path / "dodo.py").unlink()
    assert build_root(tmp_path / "ws") == str(tmp_path / "ws")


def test_ids(tmp_path: Path) -> None:
    folders = ["x/llama", "y/llama", "z/deepone", "y/x/llama", "."]
    ids = project_ids([str(tmp_path / folder) for folder in folders], str(tmp_path))
    assert list(ids.values()) == ["x/llama", "y/llama", "deepone", "y/x/llama", tmp_path.name]


def test_config_ids() -> None:
    assert config_id("llama", "4M.yaml", "4M.yaml") == "llama"
    assert config_id("llama", "big/7B.yaml", "4M.yaml") == "llama/big/7B"
