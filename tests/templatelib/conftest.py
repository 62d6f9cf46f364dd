"""Projects for tests of the template library, made in a temporary workspace."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from forgather.project import Project

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARIES = ("tiny_experiments", "examples", "base")


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Callable[..., Project]]:
    """``make_project({"name.yaml": text}, searchdir=[...])`` gives a function that loads a config."""

    def make(configs: dict[str, str], searchdir: tuple[str, ...] = ()) -> Callable[..., Project]:
        workspace = tmp_path / "forgather_workspace"
        workspace.mkdir()
        (workspace / "base_directories.yaml").write_text(
            f'-- set ns.forgather_dir = "{REPOSITORY}"\n'
        )
        folder = tmp_path / "project"
        (folder / "templates" / "configs").mkdir(parents=True)
        directories = ["templates", *searchdir]
        directories += [str(REPOSITORY / "templatelib" / library) for library in LIBRARIES]
        directories.append(str(workspace))
        lines = "\n".join(f'    - "{directory}"' for directory in directories)
        default = next(iter(configs))
        (folder / "meta.yaml").write_text(
            f'name: "Test"\ndescription: "Test"\ndefault_config: "{default}"\nsearchdir:\n{lines}\n'
        )
        for name, text in configs.items():
            (folder / "templates" / "configs" / name).write_text(textwrap.dedent(text))

        def load(name: str = default, **variables: object) -> Project:
            return Project(name, project_dir=str(folder), **variables)

        return load

    return make
