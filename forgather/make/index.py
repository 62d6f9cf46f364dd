"""The configs below a build root by their ids, and ids by project and config."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from forgather.errors import ForgatherError
from forgather.meta_config import MetaConfig
from forgather.workspace import find_projects
from forgather.workspace.ids import config_id, project_ids


class ConfigIndex:
    """Projects are found by walking the tree once; a project's meta.yaml is read when needed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._metas: dict[Path, MetaConfig] = {}

    @cached_property
    def projects(self) -> dict[str, Path]:
        """Name of each project -> its folder."""
        folders = [str(Path(path).resolve()) for path in find_projects(str(self.root))]
        ids = project_ids(folders, str(self.root))
        return {name: Path(folder) for folder, name in ids.items()}

    @cached_property
    def _names(self) -> dict[Path, str]:
        return {folder: name for name, folder in self.projects.items()}

    def meta(self, project_dir: Path) -> MetaConfig:
        if project_dir not in self._metas:
            self._metas[project_dir] = MetaConfig(str(project_dir))
        return self._metas[project_dir]

    def default_config(self, project_dir: Path) -> str:
        return self.meta(project_dir.resolve()).default_config()

    def identify(self, project_dir: Path, config: str) -> str:
        """The id of a config of a project; one outside the root is named by its whole path."""
        folder = project_dir.resolve()
        name = self._names.get(folder) or folder.as_posix().strip("/")
        default = self.default_config(folder)
        return config_id(name, config or default, default)

    def find(self, name: str) -> tuple[Path, str] | None:
        """The project and config of an id."""
        if name in self.projects:
            folder = self.projects[name]
            return folder, self.default_config(folder)
        parts = name.split("/")
        for length in range(len(parts) - 1, 0, -1):
            folder = self.projects.get("/".join(parts[:length]))
            config = "/".join(parts[length:]) + ".yaml"
            if folder is not None and config in self.configs(folder):
                return folder, config
        return None

    def configs(self, project_dir: Path) -> list[str]:
        """The configs of a project, its default first."""
        meta = self.meta(project_dir)
        names = [name for name, _path in meta.find_templates(meta.config_prefix)]
        default = meta.default_config()
        return [default, *(name for name in dict.fromkeys(names) if name != default)]

    def ids(self) -> list[str]:
        """Every config below the root. A project whose meta.yaml is broken has one, its name."""
        found = []
        for name, folder in sorted(self.projects.items()):
            try:
                found += [self.identify(folder, config) for config in self.configs(folder)]
            except ForgatherError:
                found.append(name)
        return found
