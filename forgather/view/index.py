"""A project as markdown and as data: README, meta config, search path, configs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgather.view import trefs
from forgather.view.configs import config_names

if TYPE_CHECKING:
    from forgather.meta_config import MetaConfig


def index_data(meta: MetaConfig) -> dict[str, Any]:
    configs = [{"config": name, "file": path} for name, path in _config_paths(meta)]
    return {**meta_data(meta), "readme": _readme(meta), "configs": configs}


def index_markdown(meta: MetaConfig) -> str:
    lines = [f"- [{name}]({os.path.relpath(path)})" for name, path in _config_paths(meta)]
    parts = [
        _readme(meta) or f"# {meta.name}\n\n{meta.description or ''}".strip(),
        f'#### Project Directory: "{os.path.abspath(meta.project_dir)}"',
        _meta_section(meta, "##"),
        "## Available Configurations",
        "\n".join(lines),
        f"Default Configuration: {meta.default_config()}",
    ]
    return "\n\n".join(part for part in parts if part)


def meta_data(meta: MetaConfig) -> dict[str, Any]:
    return {
        "name": meta.name,
        "description": meta.description,
        "project_dir": os.path.abspath(meta.project_dir),
        "workspace_root": str(meta.workspace_root),
        "meta_file": meta.meta_path,
        "templates": trefs.as_data(trefs.reference_tree(meta.rendered)),
        "searchpath": [str(path) for path in meta.searchpath],
        "config_prefix": meta.config_prefix,
        "default_config": meta.default_config(),
        "system_path": meta.system_path,
    }


def meta_markdown(meta: MetaConfig) -> str:
    return _meta_section(meta, "#")


def _meta_section(meta: MetaConfig, heading: str) -> str:
    tree = trefs.markdown(trefs.reference_tree(meta.rendered))
    path = "\n".join(f"- [{os.path.relpath(folder)}]({folder})" for folder in meta.searchpath)
    return "\n\n".join(
        [
            f"{heading} Meta Config",
            f"Meta Config: [{os.path.relpath(meta.meta_path)}]({os.path.relpath(meta.meta_path)})",
            tree,
            "Template Search Paths:",
            path,
        ]
    )


def _config_paths(meta: MetaConfig) -> list[tuple[str, str]]:
    found = dict(meta.find_templates(meta.config_prefix))
    return [(name, found[name]) for name in config_names(meta)]


def _readme(meta: MetaConfig) -> str:
    path = Path(meta.project_dir, "README.md")
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""
