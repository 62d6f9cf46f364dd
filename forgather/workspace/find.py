"""Finding workspaces and projects, upwards and downwards. Reads no file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from forgather.errors import ProjectError

META_NAME = "meta.yaml"
WORKSPACE_NAME = "forgather_workspace"
_SKIPPED = {"build", "output_models", "node_modules", "__pycache__", "venv", "env"}


def find_workspace_dir(project_dir: str | os.PathLike[str] = ".") -> str:
    """The nearest ``forgather_workspace`` at or above a directory, as an absolute path."""
    start = os.path.abspath(project_dir)
    for folder in _upwards(start):
        candidate = os.path.join(folder, WORKSPACE_NAME)
        if os.path.isdir(candidate):
            return candidate
    raise ProjectError(
        f"Workspace directory, {WORKSPACE_NAME!r}, was not found under project directory {start}",
        hint="create a workspace around the project with 'forgather ws create'",
        code="FG502",
    )


def find_project_dir(start: str | os.PathLike[str] = ".") -> str:
    """The nearest directory with a meta.yaml, at or above ``start``, as an absolute path."""
    for folder in _upwards(os.path.abspath(start)):
        if os.path.isfile(os.path.join(folder, META_NAME)):
            return folder
    raise ProjectError(
        f"no project was found at or above {os.path.abspath(start)}",
        hint=f"a project is a directory with a {META_NAME}; name one with -p",
        code="FG501",
    )


def find_projects(root: str | os.PathLike[str] = ".") -> Iterator[str]:
    """Directories with a meta.yaml at or below ``root``, sorted; outputs and environments skipped."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not _is_skipped(folder, name))
        if META_NAME in files:
            yield folder


def build_root(workspace_root: str | os.PathLike[str]) -> str:
    """Where ``build/`` goes: the nearest directory with a dodo.py at or above, else the workspace."""
    start = os.path.abspath(workspace_root)
    for folder in _upwards(start):
        if os.path.isfile(os.path.join(folder, "dodo.py")):
            return folder
    return start


def _upwards(start: str) -> Iterator[str]:
    path = Path(start)
    return (str(folder) for folder in (path, *path.parents))


def _is_skipped(folder: str, name: str) -> bool:
    return (
        name.startswith(".")
        or name in _SKIPPED
        or name == WORKSPACE_NAME
        or os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))
    )
