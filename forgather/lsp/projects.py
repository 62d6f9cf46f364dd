"""From a file to the configs that use it, each rendered as it was last saved.

A template is part of many configs; what it inherits, and what overrides it, is a question about one of
them. So every answer is asked of a :class:`Context`, a rendered config. A config that does not render
at the moment answers with its last good render. Nothing is imported: templates render in the sandbox.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator

from forgather.errors import ForgatherError, Span
from forgather.lsp.context import Context, load
from forgather.meta_config import MetaConfig
from forgather.view.check.config import Job
from forgather.view.configs import config_names
from forgather.workspace.find import find_projects

MAX_RENDERS = 60  # configs rendered in search of one that uses a library template


class Projects:
    """All projects the server has met. folders: of the editor's workspace.

    Safe to use from several threads.
    """

    def __init__(self, folders: Iterable[str] = ()) -> None:
        self.folders = [os.path.abspath(folder) for folder in folders]
        self._lock = threading.RLock()
        self._metas: dict[str, MetaConfig | None] = {}
        self._fresh: dict[tuple[str, str], Context | None] = {}
        self._last_good: dict[tuple[str, str], Context] = {}

    def forget(self) -> None:
        """Something was saved: render again when asked."""
        with self._lock:
            self._metas.clear()
            self._fresh.clear()

    # -- projects

    def owner(self, path: str) -> str | None:
        """The project that a file belongs to: the nearest directory above with a meta.yaml."""
        folder = os.path.dirname(os.path.abspath(path))
        while not os.path.isfile(os.path.join(folder, "meta.yaml")):
            parent = os.path.dirname(folder)
            if parent == folder:
                return None
            folder = parent
        return folder

    def meta(self, project_dir: str) -> MetaConfig | None:
        """None where meta.yaml is broken."""
        with self._lock:
            if project_dir not in self._metas:
                try:
                    self._metas[project_dir] = MetaConfig(project_dir)
                except ForgatherError:
                    self._metas[project_dir] = None
            return self._metas[project_dir]

    def configs(self, project_dir: str) -> list[str]:
        """Names of the project's configs, the default one first."""
        meta = self.meta(project_dir)
        if meta is None:
            return []
        try:
            default = meta.default_config()
            return sorted(config_names(meta), key=lambda name: (name != default, name))
        except ForgatherError:
            return []

    def config_of(self, project_dir: str, path: str) -> str | None:
        """The name of the config that this very file is, if it is one."""
        for name in self.configs(project_dir):
            file = self.config_file(project_dir, name)
            if file is not None and os.path.realpath(file) == os.path.realpath(path):
                return name
        return None

    def config_file(self, project_dir: str, config: str) -> str | None:
        """The file of a config."""
        meta = self.meta(project_dir)
        if meta is None:
            return None
        return dict(meta.find_templates(meta.config_prefix)).get(config)

    def system_path(self, path: str) -> tuple[str, ...]:
        project_dir = self.owner(path)
        meta = self.meta(project_dir) if project_dir else None
        return (meta.system_path,) if meta is not None and meta.system_path else ()

    # -- configs

    def jobs(self, path: str) -> list[Job]:
        """What to check when this file was saved: every known config that uses it."""
        project_dir = self.owner(path)
        if project_dir is None:
            return [Job(*key) for key in self._users(path)]
        if os.path.basename(path) == "meta.yaml" or self.meta(project_dir) is None:
            # No configs are known while meta.yaml is broken.
            return [Job(project_dir, name) for name in ("", *self.configs(project_dir))]
        own = self.config_of(project_dir, path)
        jobs = [Job(project_dir, name) for name in ([own] if own else self.configs(project_dir))]
        known = {(job.project_dir, job.config) for job in jobs}
        return jobs + [Job(*key) for key in self._known_users(path) if key not in known]

    def contexts(self, path: str) -> Iterator[Context]:
        """Rendered configs that use the file, the nearest first."""
        project_dir = self.owner(path)
        keys: list[tuple[str, str]] = []
        if project_dir is not None:
            own = self.config_of(project_dir, path)
            names = self.configs(project_dir)
            keys = [(project_dir, name) for name in ([own] if own else []) + names]
        else:
            keys = self._users(path)
        for key in dict.fromkeys(keys):
            context = self.context(*key)
            if context is not None and context.name_of(path) is not None:
                yield context

    def relatives(self, path: str) -> Iterator[Context]:
        """Rendered configs of the file's project, whether they use it or not."""
        project_dir = self.owner(path)
        for name in self.configs(project_dir) if project_dir is not None else ():
            if (context := self.context(project_dir, name)) is not None:
                yield context

    def context(self, project_dir: str, config: str) -> Context | None:
        """The config as rendered now, else as it last rendered, else None."""
        key = (project_dir, config)
        with self._lock:
            if key not in self._fresh:
                meta = self.meta(project_dir)
                self._fresh[key] = load(meta, config) if meta is not None else None
            context = self._fresh[key]
            if context is not None:
                self._last_good[key] = context
            return context or self._last_good.get(key)

    def _known_users(self, path: str) -> list[tuple[str, str]]:
        with self._lock:
            found = list(self._last_good.items())
        return [key for key, context in found if context.name_of(path) is not None]

    def _users(self, path: str) -> list[tuple[str, str]]:
        """Configs that use a file that belongs to no project; at least one, if a search finds it."""
        if known := self._known_users(path):
            return known
        renders = 0
        for project_dir in self._all_projects():
            for config in self.configs(project_dir):
                context = self.context(project_dir, config)
                if context is not None and context.name_of(path) is not None:
                    return [(project_dir, config)]
                if (renders := renders + 1) >= MAX_RENDERS:
                    return []
        return []

    def _all_projects(self) -> Iterator[str]:
        for folder in self.folders:
            yield from find_projects(folder)

    # -- templates by name

    def template_names(self, path: str) -> Iterator[tuple[str, str]]:
        """(name, file) of every template on the search path of the file's project."""
        for meta in self._metas_for(path):
            yield from meta.find_templates()
            return

    def template_files(self, path: str, name: str) -> Iterator[Span]:
        """The file that a name stands for, when no rendered config tells."""
        for meta in self._metas_for(path):
            for folder in meta.searchpath:
                file = os.path.join(folder, name)
                if os.path.isfile(file):
                    yield Span(name, 1, None, file)
                    return

    def _metas_for(self, path: str) -> Iterator[MetaConfig]:
        project_dir = self.owner(path)
        projects = [project_dir] if project_dir else [key[0] for key in self._users(path)]
        for each in dict.fromkeys(projects):
            if (meta := self.meta(each)) is not None:
                yield meta
