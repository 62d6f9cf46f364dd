"""What a command works on: the project found upwards from ``-p``, the config, its loaded form.

Everything is found when it is first asked for, so that a command which needs no project imports
nothing for one. A config is loaded at most once per set of variables.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from forgather.errors import ConfigError, Span, did_you_mean

if TYPE_CHECKING:
    from argparse import Namespace

    from forgather.config import Config
    from forgather.meta_config import MetaConfig
    from forgather.project import Project


class Context:
    """The options that hold for every command, and what follows from them."""

    def __init__(self) -> None:
        self.start = "."
        self.config_template = ""
        self.no_dyn = False
        self.interactive = False
        self.dynamic: dict[str, Any] = {}
        self.extra: list[str] = []
        self._meta: MetaConfig | None = None
        self._loaded: dict[str, Project] = {}

    def take_options(self, args: Namespace) -> None:
        """Take over the global options that ``args`` has; what was given later wins."""
        self.start = getattr(args, "project_dir", None) or self.start
        self.config_template = getattr(args, "config_template", None) or self.config_template
        self.no_dyn = getattr(args, "no_dyn", False) or self.no_dyn
        self.interactive = getattr(args, "interactive", False) or self.interactive

    @property
    def project_dir(self) -> str:
        """Absolute path of the project at or above ``-p``."""
        from forgather.meta_config import MetaConfig

        return os.path.abspath(MetaConfig.find_project_dir(self.start))

    @property
    def meta(self) -> MetaConfig:
        if self._meta is None:
            from forgather.meta_config import MetaConfig

            self._meta = MetaConfig(self.project_dir)
        return self._meta

    @property
    def config_name(self) -> str:
        """The selected config: ``-t``, else the project's default. Loading tells whether it exists."""
        return self.config_template or self.meta.default_config()

    @property
    def stem(self) -> str:
        """The config's name without directories and ``.yaml``, for names of files."""
        return os.path.splitext(os.path.basename(self.config_name))[0]

    def project(self) -> Project:
        """The selected config, loaded with the dynamic arguments of the command line."""
        key = repr(sorted(self.dynamic.items()))
        if key not in self._loaded:
            from forgather.project import Project

            self._loaded[key] = Project(self.config_name, self.project_dir, **self.dynamic)
        return self._loaded[key]

    def config(self) -> Config:
        return self.project().loaded

    def dynamic_definitions(self) -> tuple[list[Any], dict[int, Span]]:
        """The entries of ``dynamic_args`` as plain data, and where each stands."""
        from forgather.graph.nodes import Node
        from forgather.graph.plain import plain

        config = self.config()
        root = config.config
        if not isinstance(root, dict) or "dynamic_args" not in root:
            return [], {}

        def refuse(node: Node) -> Any:
            raise ConfigError(
                "dynamic_args must be plain data: it is read without running anything",
                where=node.span,
                code="FG150",
            )

        entries = plain(root["dynamic_args"], opaque=refuse) or []
        if not isinstance(entries, list | tuple):
            raise ConfigError(
                f"dynamic_args must be a list of mappings, found {type(entries).__name__}",
                where=config.spans.get("dynamic_args"),
                code="FG150",
            )
        spans = {
            index: span
            for index in range(len(entries))
            if (span := config.spans.get(f"dynamic_args[{index}]")) is not None
        }
        return list(entries), spans

    def target(self, name: str) -> Any:
        """The graph of one target of the selected config."""
        from forgather.errors import TargetError

        root = self.config().config
        if not isinstance(root, dict) or name not in root:
            known = list(root) if isinstance(root, dict) else []
            raise TargetError(
                f"config {self.config_name!r} has no target {name!r}",
                hint=did_you_mean(name, known),
            )
        return root[name]
