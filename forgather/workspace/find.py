"""Finding workspaces and projects, upwards and downwards. Reads no file."""

from __future__ import annotations

import os
import sys
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
    return (folder for folder, is_project in walk_projects(root) if is_project)


def walk_projects(root: str | os.PathLike[str]) -> Iterator[tuple[str, bool]]:
    """Every directory where a project could be, and whether it is one."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_skipped(folder, name))
        yield folder, META_NAME in files


def build_root(workspace_root: str | os.PathLike[str]) -> str:
    """Where ``build/`` goes: the nearest directory with a dodo.py at or above, else the workspace."""
    start = os.path.abspath(workspace_root)
    for folder in _upwards(start):
        if os.path.isfile(os.path.join(folder, "dodo.py")):
            return folder
    return start


def find_build_root(start: str | os.PathLike[str] = ".") -> str:
    """Where ``build/`` is for whoever stands in ``start``: that of the workspace at or above it, else
    the nearest folder with a dodo.py. Raises ProjectError where there is neither.
    """
    try:
        return build_root(os.path.dirname(find_workspace_dir(start)))
    except ProjectError:
        root = build_root(start)
        if os.path.isfile(os.path.join(root, "dodo.py")):
            return root
        raise


def user_templates() -> str:
    """``templates/`` in the user's configuration directory, which need not exist."""
    if sys.platform == "linux":
        # What platformdirs says here, without importing it for every command.
        base = os.environ.get("XDG_CONFIG_HOME", "").strip() or os.path.expanduser("~/.config")
        return os.path.join(base, "forgather", "templates")
    import platformdirs

    return os.path.join(platformdirs.user_config_dir("forgather"), "templates")


def _upwards(start: str) -> Iterator[str]:
    path = Path(start)
    return (str(folder) for folder in (path, *path.parents))


def is_skipped(folder: str, name: str) -> bool:
    """Is ``name`` in ``folder`` a folder that holds no sources of ours?"""
    return (
        name.startswith(".")
        or name in _SKIPPED
        or name == WORKSPACE_NAME
        or os.path.isfile(os.path.join(folder, name, "pyvenv.cfg"))
    )
