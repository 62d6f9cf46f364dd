"""Workspaces and projects on disk: finding them, naming their configs, creating them.

A workspace is a directory with ``forgather_workspace/`` in it; a project is one with ``meta.yaml``.
"""

from forgather.workspace.find import (
    build_root,
    find_build_root,
    find_project_dir,
    find_projects,
    find_workspace_dir,
)

__all__ = [
    "build_root",
    "find_build_root",
    "find_project_dir",
    "find_projects",
    "find_workspace_dir",
]
