"""The configs of projects and what each says of itself: the data behind ``ls``.

Every config is really rendered and parsed, so listing validates. Nothing that it names is run.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from forgather.errors import ForgatherError, Span, TemplateNotFoundError, did_you_mean
from forgather.graph.plain import plain

if TYPE_CHECKING:
    from forgather.config import Config, ConfigEnvironment
    from forgather.meta_config import MetaConfig


class ConfigSummary(NamedTuple):
    """One line of ``ls``. ``error`` is set where the config is broken.

    sweep: the target of this name as it stands, with the places in it; variants: what it expands to,
    for whoever can do that (``forgather.make.sweeps.sweep``).
    """

    name: str
    is_default: bool
    title: str = ""
    description: str = ""
    config_class: str = ""
    error: ForgatherError | None = None
    sweep: tuple[Any, dict[str, Span]] | None = None
    variants: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"config": self.name, "default": self.is_default}
        if self.error is not None:
            return {**data, "error": error_to_json(self.error)}
        return {
            **data,
            "name": self.title,
            "description": self.description,
            "config_class": self.config_class,
            **({"variants": list(self.variants)} if self.variants else {}),
        }


class ProjectSummary(NamedTuple):
    """A project with its configs; ``error`` is set where meta.yaml itself is broken."""

    project_dir: str
    name: str = ""
    description: str = ""
    configs: tuple[ConfigSummary, ...] = ()
    error: ForgatherError | None = None

    @property
    def broken(self) -> bool:
        return self.error is not None or any(config.error for config in self.configs)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"project_dir": self.project_dir}
        if self.error is not None:
            return {**data, "error": error_to_json(self.error)}
        configs = [config.to_json() for config in self.configs]
        return {**data, "name": self.name, "description": self.description, "configs": configs}


def error_to_json(error: ForgatherError) -> dict[str, Any]:
    where = error.where
    return {
        "message": str(error),
        "code": error.code,
        "hint": error.hint,
        "file": (where.path or where.template) if where else None,
        "line": where.line if where else None,
    }


def one_line(error: ForgatherError) -> str:
    """The cause on one line, file and line first, the file relative to the current directory."""
    message = " ".join(str(error).split())
    return f"{place(error.where)}: {message}" if error.where else message


def place(span: Span) -> str:
    """``file:line`` with a path that is short from here."""
    if span.path is None:
        return f"{span.template}:{span.line}"
    relative = os.path.relpath(span.path)
    return f"{span.path if relative.startswith('../..') else relative}:{span.line}"


def config_names(meta: MetaConfig) -> list[str]:
    """Names of all configs of the project, sorted; inherited ones are like its own."""
    return sorted({name for name, _ in meta.find_templates(meta.config_prefix)})


def summarise_project(project_dir: str) -> ProjectSummary:
    """Load every config of a project; errors become part of the result."""
    from forgather.meta_config import MetaConfig

    try:
        meta = MetaConfig(project_dir)
        default = meta.default_config()
        names = config_names(meta)
    except ForgatherError as error:
        return ProjectSummary(project_dir, error=error)
    environment = environment_of(meta)
    configs = []
    for name in names:
        try:
            config = load(meta, environment, name)
            configs.append(_summary(name, name == default, config))
        except ForgatherError as error:
            configs.append(ConfigSummary(name, name == default, error=error))
    return ProjectSummary(project_dir, meta.name or "", meta.description or "", tuple(configs))


def environment_of(meta: MetaConfig, *, frozen: bool = False) -> ConfigEnvironment:
    """For many configs of one project: its meta.yaml is read once.

    frozen: times and host names are tokens, so that two loads of one text are equal.
    """
    from forgather.config import ConfigEnvironment

    return ConfigEnvironment(meta.searchpath, global_vars=meta.variables, frozen=frozen)


def load(meta: MetaConfig, environment: ConfigEnvironment, name: str) -> Config:
    """A config of the project, or an error that names the configs it has."""
    template = meta.config_path(name)
    if environment.get_loader().paths(template):
        return meta.load(environment, template)
    raise TemplateNotFoundError(
        f"project {meta.name!r} has no config {name!r}",
        hint=did_you_mean(name, config_names(meta)),
        code="FG505",
    )


def _summary(name: str, is_default: bool, config: Config) -> ConfigSummary:
    meta = config_meta(config)
    return ConfigSummary(
        name,
        is_default,
        " ".join(str(meta.get("config_name") or os.path.splitext(name)[0]).split()),
        " ".join(str(meta.get("config_description") or "").split()),
        str(meta.get("config_class") or ""),
        sweep=_sweep(config),
    )


def _sweep(config: Config) -> tuple[Any, dict[str, Span]] | None:
    root = config.config
    if not isinstance(root, dict) or root.get("sweep") is None:
        return None
    places = {path: span for path, span in config.spans.items() if path.startswith("sweep")}
    return root["sweep"], places


def config_meta(config: Config) -> dict[str, Any]:
    """The target ``meta`` as plain data; empty where a config has none."""
    root = config.config
    meta = plain(root.get("meta")) if isinstance(root, dict) else None
    return meta if isinstance(meta, dict) else {}
