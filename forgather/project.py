"""A project and one of its configs, ready to make objects from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forgather.config import Config, ConfigEnvironment, ConfigText, DotDict
from forgather.errors import ProjectError, Span, TemplateNotFoundError, did_you_mean
from forgather.meta_config import MetaConfig

UNKNOWN_CONFIG = "FG505"


class Project:
    """One config of a project, loaded.

    config_name: empty for the project's default. jinja_kwargs: variables for the templates.

    ::

        proj = Project("train_tiny_llama.yaml")
        script = proj()                                 # the target "main"
        model, data = proj("model", "train_dataset")    # they share what they share

    Each call makes new objects; within a call every singleton is one object.
    """

    def __init__(self, config_name: str = "", project_dir: str = ".", **jinja_kwargs: Any) -> None:
        self.project_dir = os.fspath(project_dir)
        self.meta = MetaConfig(self.project_dir)
        self.environment = ConfigEnvironment(self.meta.searchpath, global_vars=self.meta.variables)
        self._jinja_kwargs = jinja_kwargs
        self.config_name = ""
        self.loaded: Config
        self.load_config(config_name)

    @property
    def config(self) -> Any:
        """The graph of the config."""
        return self.loaded.config

    @property
    def pp_config(self) -> ConfigText:
        """The rendered text of the config."""
        return self.loaded.pp_config

    def load_config(self, config_name: str = "", **jinja_kwargs: Any) -> Config:
        """Load another config; its variables are those of the project, and the ones given here."""
        name = config_name or self.meta.default_config()
        template = self.meta.config_path(name)
        self._require(name, template)
        variables = {**self._jinja_kwargs, **jinja_kwargs}
        self.loaded = self.meta.load(self.environment, template, **variables)
        self.config_name = name
        return self.loaded

    def add_template(self, name: str, text: str) -> None:
        """Add a template, which goes before files of the name; call load_config to see it used."""
        self.environment.get_loader().add_template(name, text)

    def __call__(self, *targets: str | Iterable[str], asdict: bool = False, **context: Any) -> Any:
        """Make objects.

        No target: "main". One name: that object. One list of names: a DotDict of them. Several names:
        an iterator over the objects, in the order asked; with ``asdict``, a DotDict in the order of
        the config. context: values of variables (``!var``).
        """
        from forgather.graph.materialize import materialize  # looking at a config needs none of it

        variables = {"pp_config": str(self.pp_config), **context}
        self._extend_system_path()
        if len(targets) <= 1 and not asdict:
            target = targets[0] if targets else "main"
            if isinstance(target, str):
                return materialize(self.config, target, variables)
            return DotDict(materialize(self.config, list(target), variables))
        names = [name for target in targets for name in _names(target)] or ["main"]
        made = materialize(self.config, names, variables)
        if asdict:
            return DotDict(made)
        return _in_order(made, names)

    def _require(self, name: str, template: str) -> None:
        """The config exists; otherwise the message is about configs, not about templates."""
        loader = self.environment.get_loader()
        if template in loader.added or loader.paths(template):
            return
        known = [known for known, _ in self.meta.find_templates(self.meta.config_prefix)]
        default = self.meta.default_cfg
        raise TemplateNotFoundError(
            f"project {self.meta.name!r} has no config {name!r}",
            where=self._default_place() if name == default else None,
            hint=did_you_mean(name, known),
            code=UNKNOWN_CONFIG,
        )

    def _default_place(self) -> Span | None:
        """Where meta.yaml names the default config."""
        return self.meta.spans.get("default_config")

    def _extend_system_path(self) -> None:
        path = self.meta.system_path
        if path and path not in sys.path:
            sys.path.insert(0, path)


def _names(target: str | Iterable[str]) -> list[str]:
    return [target] if isinstance(target, str) else list(target)


def _in_order(made: Mapping[str, Any], names: list[str]) -> Iterator[Any]:
    return iter([made[name] for name in names])


def from_project(
    project_dir: str,
    config_template: str | None = None,
    targets: str | Iterable[str] = "",
    pp_debug: bool = False,
    pp_kwargs: Mapping[str, Any] | None = None,
    **config_kwargs: Any,
) -> Any:
    """Objects of another project, for use inside a config.

    project_dir: relative to the current directory, so configs join it to a directory of their own.
    config_template: the config's name; the project's default when not given.
    targets: a name ("" is "main"), or several for a DotDict.
    pp_debug: write the templates, as Jinja sees them, to stderr.
    pp_kwargs: variables for the templates; config_kwargs: values of ``!var``.

    Each call makes a graph of its own: two calls share nothing.
    """
    if not isinstance(project_dir, str) or not os.path.isdir(project_dir):
        raise ProjectError(
            f"from_project: there is no directory {project_dir!r}"
            + (f" (config {config_template!r})" if config_template else ""),
            hint=f"a relative path is below the current directory, {os.getcwd()}; "
            "in a config, write joinpath(project_dir, ...)",
            code="FG506",
        )
    project = Project(config_template or "", os.path.abspath(project_dir), **(pp_kwargs or {}))
    if pp_debug:
        for name, text in project.loaded.rendered.translations():
            sys.stderr.write(f"{f' {name} ':-^80}\n{ConfigText(text).with_line_numbers()}\n")
    target = targets if isinstance(targets, str) else list(targets)
    return project(target or "main", **config_kwargs)
