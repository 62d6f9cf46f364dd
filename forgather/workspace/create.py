"""Creating workspaces, projects and configs from a few answers. Never overwrites anything."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from forgather.errors import ProjectError, did_you_mean
from forgather.workspace.find import META_NAME, WORKSPACE_NAME, find_workspace_dir

EXISTS = "FG507"
NO_FORGATHER = "FG508"
NO_LIBRARY = "FG509"
NO_SOURCE = "FG511"

# Specific libraries go before the ones they build on.
LIBRARY_ORDER = ("tiny_experiments", "finetune", "examples", "base")

MINIMAL_CONFIG = """\
-- set ns = namespace()
-- set ns.config_name = {name}
-- set ns.config_description = {description}

meta:
    config_name: {{{{ ns.config_name|toyaml }}}}
    config_description: {{{{ ns.config_description|toyaml }}}}
    config_class: "type"

dynamic_args: []

main: "Main Output"
"""


def directory_name(name: str) -> str:
    """A directory's name from a title: lower case, ``_`` for blanks, no dots."""
    return name.lower().replace(" ", "_").replace(".", "")


def create_workspace(
    name: str,
    description: str,
    *,
    forgather_dir: str,
    parent: str = ".",
    directory: str | None = None,
    libraries: Iterable[str] | None = None,
    search_path: Iterable[str] | None = None,
) -> str:
    """Create ``forgather_workspace/`` in a directory; the path of that directory.

    directory: the workspace; ``parent``/name by default. forgather_dir: where templatelib is; a
    relative path counts from the current directory and is written relative to the workspace.
    libraries: names below templatelib, all of them when none is given. search_path: further template
    directories.
    """
    templatelib = Path(forgather_dir, "templatelib")
    if not templatelib.is_dir():
        raise ProjectError(
            f"{forgather_dir!r} is not a Forgather directory: there is no {templatelib}",
            hint="give the directory that holds templatelib/ and modelsrc/",
            code=NO_FORGATHER,
        )
    libraries = _libraries(templatelib, list(libraries or []))
    root = Path(directory) if directory else Path(parent, directory_name(name))
    folder = root / WORKSPACE_NAME
    _refuse_existing(folder)
    paths = [os.path.abspath(path) for path in search_path or []]
    folder.mkdir(parents=True)
    _write(folder / "README.md", f"# {name}\n\n{description}\n")
    _write(folder / "base_directories.yaml", _base_directories(forgather_dir, root))
    _write(folder / "meta_defaults.yaml", _meta_defaults(libraries, paths))
    return str(root)


def create_project(
    name: str,
    description: str,
    *,
    parent: str = ".",
    directory: str | None = None,
    config_prefix: str = "configs",
    default_config: str = "default.yaml",
    copy_from: str | None = None,
) -> str:
    """Create a project below ``parent``, which is in a workspace; the project's path.

    copy_from: a config to copy as the default one, in place of a minimal one.
    """
    find_workspace_dir(parent)
    root = Path(parent, directory or directory_name(name))
    _refuse_existing(root)
    if copy_from is None:
        text = _minimal_config(name, description)
    else:
        text = _source(copy_from)
    _write(root / "README.md", f"# {name}\n\n{description}\n")
    _write(root / META_NAME, _meta(name, description, config_prefix, default_config))
    _write(root / "templates" / config_prefix / default_config, text)
    return str(root)


def create_config(
    project_dir: str,
    name: str,
    *,
    kind: str = "config",
    copy_from: str | None = None,
    config_prefix: str = "configs",
) -> str:
    """Create a template; its path.

    kind: "config" (among the project's configs), "project" (its templates), "ws" (the workspace's).
    config_prefix: where below the templates the project keeps its configs.
    """
    templates = Path(project_dir).absolute() / "templates"
    if kind == "config":
        folder = templates / config_prefix
    else:
        folder = templates if kind == "project" else Path(find_workspace_dir(project_dir))
    path = Path(folder, name if name.endswith(".yaml") else f"{name}.yaml")
    _refuse_existing(path)
    if copy_from is not None:
        text = _source(copy_from)
    elif kind == "config":
        text = _minimal_config(path.stem, "")
    else:
        text = f"## {path.name}\n"
    _write(path, text)
    return str(path)


def _libraries(templatelib: Path, asked: list[str]) -> list[str]:
    known = sorted(
        entry.name for entry in templatelib.iterdir() if entry.is_dir() and entry.name[0] != "."
    )
    for name in asked:
        if name not in known:
            raise ProjectError(
                f"there is no template library {name!r} in {templatelib}",
                hint=did_you_mean(name, known),
                code=NO_LIBRARY,
            )
    if asked:
        return asked
    others = [name for name in known if name not in LIBRARY_ORDER]
    return [*others, *(name for name in LIBRARY_ORDER if name in known)]


def _base_directories(forgather_dir: str, root: Path) -> str:
    if os.path.isabs(forgather_dir):
        value = json.dumps(forgather_dir)
    else:
        relative = os.path.relpath(forgather_dir, root)
        value = f"normpath(joinpath(workspace_root, {json.dumps(relative)}))"
    return f"## Where Forgather is.\n-- set ns.forgather_dir = {value}\n"


def _meta_defaults(libraries: Sequence[str], paths: Sequence[str]) -> str:
    lines = [
        "## Defaults of all projects in this workspace: a project's meta.yaml extends this file.",
        "-- set ns = namespace()",
        "-- include 'base_directories.yaml'",
        "-- block configs",
        "-- endblock configs",
        "",
        "## Where templates are looked for; the first directory that has one wins.",
        "searchdir:",
        "-- block searchdir_project",
        "    - \"{{ joinpath(project_dir, 'templates') }}\"",
        "-- endblock searchdir_project",
        "-- block searchdir_common",
        *(f"    - {json.dumps(path)}" for path in paths),
        f"    - \"{{{{ joinpath(workspace_root, '{WORKSPACE_NAME}') }}}}\"",
        *(
            f"    - \"{{{{ joinpath(ns.forgather_dir, 'templatelib', '{name}') }}}}\""
            for name in libraries
        ),
        "-- endblock searchdir_common",
    ]
    return "\n".join(lines) + "\n"


def _meta(name: str, description: str, config_prefix: str, default_config: str) -> str:
    return (
        "-- extends 'meta_defaults.yaml'\n\n"
        "-- block configs\n"
        f"name: {_quoted(name)}\n"
        f"description: {_quoted(description)}\n"
        f"config_prefix: {_quoted(config_prefix)}\n"
        f"default_config: {_quoted(default_config)}\n"
        "-- endblock configs\n"
    )


def _minimal_config(name: str, description: str) -> str:
    return MINIMAL_CONFIG.format(name=json.dumps(name), description=json.dumps(description))


def _quoted(text: str) -> str:
    """A YAML string that Jinja does not read: braces are escaped."""
    return json.dumps(text).replace("{", "\\x7b").replace("}", "\\x7d")


def _source(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ProjectError(f"cannot copy {path!r}: {error.strerror}", code=NO_SOURCE) from error


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise ProjectError(
            f"{path} exists already", hint="choose another name, or remove it first", code=EXISTS
        )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
