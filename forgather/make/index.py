"""The configs below a build root by their ids, and ids by project and config."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.errors import ForgatherError
from forgather.make.probes import (
    Group,
    Remembered,
    collecting,
    note_file,
    note_listing,
    note_no_file,
    note_place,
    note_tree,
    note_unsettled,
    note_user_folder,
)
from forgather.workspace.find import walk_projects
from forgather.workspace.ids import config_id, project_ids

if TYPE_CHECKING:
    from forgather.meta_config import MetaConfig


class ConfigIndex:
    """Projects are found by walking the tree once; a project's meta.yaml is read when needed."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._remembered = Remembered()
        self._folders: dict[Path, Path] = {}

    @property
    def projects(self) -> dict[str, Path]:
        """Name of each project -> its folder."""
        return self.walk[0]

    @cached_property
    def walk(self) -> tuple[dict[str, Path], Group]:
        """The projects, and which folders they were looked for in."""
        with collecting(alone=True) as group:
            folders = []
            for folder, is_project in walk_projects(str(self.root)):
                note_listing(folder)
                if is_project:
                    folders.append(str(Path(folder).resolve()))
        names = project_ids(folders, str(self.root))
        return {name: Path(folder) for folder, name in names.items()}, group

    @cached_property
    def _names(self) -> dict[Path, str]:
        return {folder: name for name, folder in self.projects.items()}

    def name(self, folder: Path) -> str:
        """A project's name; the whole path of one outside of the root."""
        name = self._names.get(folder, "")
        note_place(str(folder), name)
        return name or folder.as_posix().strip("/")

    def _folder(self, project_dir: Path) -> Path:
        """Without links; each is looked at once, for every config of a project asks."""
        found = self._folders.get(project_dir)
        if found is None:
            found = self._folders[project_dir] = project_dir.resolve()
        return found

    def meta(self, project_dir: Path) -> MetaConfig:
        return self._remembered(("meta", project_dir), lambda: self._read_meta(project_dir))

    def _read_meta(self, project_dir: Path) -> MetaConfig:
        from forgather.meta_config import MetaConfig

        note_user_folder()
        meta = MetaConfig(str(project_dir))
        for read in meta.trace.reads:
            if read.kind == "template" and read.path:
                note_file(read.path, os.stat(read.path))
            elif read.kind == "absent" and read.path:
                note_no_file(read.path)
        return meta

    def default_config(self, project_dir: Path) -> str:
        meta = self.meta(self._folder(project_dir))
        if meta.default_cfg is None:
            self._note_configs(meta)
        return meta.default_config()

    def _note_configs(self, meta: MetaConfig) -> None:
        for folder in meta.searchpath:
            note_tree(Path(folder, meta.config_prefix))

    def identify(self, project_dir: Path, config: str) -> str:
        """The id of a config of a project; one outside the root is named by its whole path."""
        folder = self._folder(project_dir)
        default = self.default_config(folder)
        return config_id(self.name(folder), config or default, default)

    def find(self, name: str) -> tuple[Path, str] | None:
        """The project and config of an id."""
        if name in self.projects:
            folder = self.projects[name]
            note_place(str(folder), name)
            return folder, self.default_config(folder)
        parts = name.split("/")
        for length in range(len(parts) - 1, 0, -1):
            folder = self.projects.get("/".join(parts[:length]))
            config = "/".join(parts[length:]) + ".yaml"
            if folder is not None and config in self.configs(folder):
                note_place(str(folder), "/".join(parts[:length]))
                return folder, config
        return None

    def configs(self, project_dir: Path) -> list[str]:
        """The configs of a project, its default first."""
        return self._remembered(("configs", project_dir), lambda: self._find_configs(project_dir))

    def _find_configs(self, project_dir: Path) -> list[str]:
        meta = self.meta(project_dir)
        self._note_configs(meta)
        names = [name for name, _path in meta.find_templates(meta.config_prefix)]
        default = meta.default_config()
        return [default, *(name for name in dict.fromkeys(names) if name != default)]

    def ids(self) -> list[str]:
        """Every config below the root."""
        return [config for project in sorted(self.projects) for config in self.ids_of(project)]

    def ids_of(self, project: str) -> list[str]:
        """The configs of a project. One whose meta.yaml is broken has one, the project's name."""
        folder = self.projects[project]
        try:
            return [self.identify(folder, config) for config in self.configs(folder)]
        except ForgatherError:
            note_unsettled()  # what it tripped over is not known
            return [project]
