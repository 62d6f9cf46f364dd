"""meta.yaml: what a project says of itself, and where its templates are.

meta.yaml is a template too. It may extend and include files of the project directory, of
``forgather_workspace/`` at the workspace's root, and of ``templates/`` in the user's configuration
directory. It is plain data: nothing in it is ever called.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from forgather.config import Config, ConfigEnvironment
from forgather.errors import ProjectError, Span, TemplateNotFoundError, did_you_mean
from forgather.graph.walk import nodes
from forgather.lang.loader import TemplateLoader
from forgather.lang.render import Rendered
from forgather.lang.trace import Trace
from forgather.workspace.find import (
    META_NAME,
    build_root,
    find_project_dir,
    find_workspace_dir,
    user_templates,
)

NO_META = "FG501"
BAD_META = "FG503"
NO_CONFIG = "FG504"
NO_DIRECTORY = "FG512"

_STRINGS = ("config_prefix", "default_config", "system_path", "name", "description")


class MetaConfig:
    """The meta data of one project.

    name, project_name: the project's name; meta_path: its meta.yaml; project_dir: as given;
    searchpath: absolute template directories, first wins; config_prefix: the directory of configs in
    each; default_cfg: the default config as meta.yaml names it, or None; system_path: a directory for
    sys.path, or None; config_dict: all keys; workspace_root: the directory that holds
    ``forgather_workspace``; environment: renders meta.yaml and what it extends.
    """

    find_workspace_dir = staticmethod(find_workspace_dir)
    find_project_dir = staticmethod(find_project_dir)

    def __init__(self, project_dir: str = ".", meta_name: str = META_NAME) -> None:
        self.project_dir = os.fspath(project_dir)
        self.meta_path = os.path.join(os.path.abspath(self.project_dir), meta_name)
        if not os.path.isfile(self.meta_path):
            raise ProjectError(
                f"{self.project_dir!r} is not a project: there is no {self.meta_path}",
                hint="go to a project's directory, name one with -p, or create one with "
                "'forgather project create'",
                code=NO_META,
            )
        workspace = find_workspace_dir(self.project_dir)
        self.workspace_root = os.path.dirname(workspace)
        self.environment = ConfigEnvironment(
            [os.path.abspath(self.project_dir), workspace, user_templates()],
            global_vars={
                # Absolute, because relative directories in searchdir count from the project.
                "project_dir": os.path.abspath(self.project_dir),
                "workspace_root": self.workspace_root,
            },
        )
        self._config = self.environment.load(meta_name)
        self.config_dict: dict[str, Any] = self._plain(self._config)
        self._check_types()
        self.project_name: str = self.config_dict.get("name") or os.path.basename(
            os.path.dirname(self.meta_path)
        )
        self.name = self.project_name
        self.description: str = self.config_dict.get("description") or ""
        self.config_prefix: str = self.config_dict.get("config_prefix") or "configs"
        self.default_cfg: str | None = self.config_dict.get("default_config")
        system_path = self.config_dict.get("system_path")
        self.system_path: str | None = self.norm_path(system_path) if system_path else None
        self.searchpath = [
            self.norm_path(path) for path in self.config_dict.get("searchdir") or ["templates"]
        ]
        self._loader = TemplateLoader(self.searchpath)

    @property
    def trace(self) -> Trace:
        """What meta.yaml depended on."""
        return self._config.trace

    @property
    def rendered(self) -> Rendered:
        """Which templates meta.yaml is made of."""
        return self._config.rendered

    @property
    def spans(self) -> dict[str, Span]:
        """The place of each key."""
        return self._config.spans

    @property
    def variables(self) -> dict[str, str]:
        """What every template of the project's configs is given."""
        return {
            "project_dir": self.project_dir,
            "workspace_root": self.workspace_root,
            "build_dir": os.path.join(build_root(self.workspace_root), "build"),
        }

    def load(self, environment: ConfigEnvironment, template: str, **variables: Any) -> Config:
        """A template of the search path; if one is not found, the hint names missing directories."""
        try:
            return environment.load(template, **variables)
        except TemplateNotFoundError as error:
            found = [f"{each.where}: {each}; {each.hint}" for each in self.missing_directories()]
            error.hint = "\n        ".join([error.hint, *found] if error.hint else found)
            raise

    def missing_directories(self) -> list[ProjectError]:
        """Directories that ``searchdir`` names and that do not exist. They are passed over."""
        return [
            ProjectError(
                f"there is no directory {path}",
                where=where,
                hint=self._directory_hint(where),
                code=NO_DIRECTORY,
            )
            for index, path in enumerate(self.searchpath)
            if not os.path.isdir(path)
            for where in [self._place(f"searchdir[{index}]")]
        ]

    def _directory_hint(self, where: Span) -> str:
        """Most directories hang on a variable, which is set elsewhere."""
        names = set(re.findall(r"\bns\.(\w+)", where.text or ""))
        for section in self.rendered.sections.values():
            for number, line in enumerate(section.lines, 1):
                match = re.search(r"\bset\s+ns\.(\w+)\s*=", line)
                if match and match[1] in names:
                    return f"ns.{match[1]} is set at {section.span(number)}"
        return "correct searchdir, or make the directory"

    def norm_path(self, path: str) -> str:
        """The absolute path; a relative one is below the project."""
        return os.path.normpath(os.path.join(os.path.abspath(self.project_dir), path))

    def default_config(self) -> str:
        """The default config's name; where meta.yaml names none, the first by name."""
        if self.default_cfg:
            return self.default_cfg
        first = next(self.find_templates(self.config_prefix), None)
        if first is None:
            raise ProjectError(
                f"project {self.name!r} has no config",
                where=self._place("default_config"),
                hint=f"put one into {os.path.join(self.searchpath[0], self.config_prefix)}",
                code=NO_CONFIG,
            )
        return first[0]

    def config_path(self, name: str | None = None) -> str:
        """The template name of a config, of the default one where no name is given."""
        return f"{self.config_prefix}/{name or self.default_config()}"

    def find_templates(self, prefix: str = "", suffix: str = ".yaml") -> Iterator[tuple[str, str]]:
        """(name below ``prefix``, path) of each template that can be reached, sorted by name."""
        start = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        for name, path in self._loader.templates(prefix, suffix):
            yield name.removeprefix(start), path

    # -- reading

    def _plain(self, config: Config) -> dict[str, Any]:
        root = config.config
        if not isinstance(root, dict):
            raise self._bad("meta.yaml must be a mapping", None)
        for path, node in nodes(root):
            raise ProjectError(
                f"meta.yaml is plain data, and {path!r} is a node",
                where=node.span,
                hint="give the value itself; nothing is called while meta.yaml is read",
                code=BAD_META,
            )
        return dict(root)

    def _check_types(self) -> None:
        for key in _STRINGS:
            value = self.config_dict.get(key)
            if value is not None and not isinstance(value, str):
                raise self._bad(f"{key!r} must be a string, not {value!r}", key)
        paths = self.config_dict.get("searchdir")
        if paths is not None and not (
            isinstance(paths, list) and all(isinstance(path, str) for path in paths)
        ):
            raise self._bad("'searchdir' must be a list of directories", "searchdir")
        for key in ("search_dir", "searchpath", "search_path", "searchdirs"):
            if key in self.config_dict and paths is None:
                raise self._bad(f"unknown key {key!r}", key, did_you_mean(key, ["searchdir"]))

    def _bad(self, message: str, key: str | None, hint: str | None = None) -> ProjectError:
        return ProjectError(message, where=self._place(key), hint=hint, code=BAD_META)

    def _place(self, key: str | None) -> Span:
        found = self._config.spans.get(key) if key else None
        return found or Span(os.path.basename(self.meta_path), 1, None, self.meta_path)
