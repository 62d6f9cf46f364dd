"""Configs: from a template's name to a graph. The face of :mod:`forgather.lang`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from forgather.errors import ForgatherError, Span, TargetError, TemplateError, did_you_mean
from forgather.graph.show import fconfig as fconfig  # offered here, too
from forgather.graph.show import pconfig as pconfig
from forgather.lang.loader import TemplateLoader
from forgather.lang.parse import ParsedConfig, parse
from forgather.lang.render import Rendered, Renderer
from forgather.lang.sourcemap import SourceMap
from forgather.lang.trace import Trace

SearchPath = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


class MissingTargetError(TargetError, AttributeError):
    """An attribute of a config that is not there; a KeyError for old hands, and ``hasattr`` works."""


class DotDict(dict[str, Any]):
    """A dict whose keys are attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise MissingTargetError(
                f"there is no target {name!r}", hint=did_you_mean(name, map(str, self))
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *map(str, self)]


class ConfigDict(DotDict):
    """The root mapping of a config: target -> graph."""


class ConfigText(str):
    """A rendered config."""

    __slots__ = ()

    def with_line_numbers(self, flag: bool = True) -> str:
        """The text, each line after its number."""
        if not flag:
            return str(self)
        lines = enumerate(self.split("\n"), 1)
        return "\n".join(f"{number:>6}: {line}" for number, line in lines)


class Config:
    """A config: ``config`` is its graph, ``pp_config`` the text it was parsed from.

    spans: graph path -> place in a template; source_map: the place of each line of the text; trace:
    all that the text depended on; rendered: which templates took part, and how; warnings: what is
    most likely a mistake, and yet renders.
    """

    def __init__(self, rendered: Rendered, parsed: ParsedConfig) -> None:
        root = parsed.root
        self.config: Any = ConfigDict(root) if isinstance(root, dict) else root
        self.pp_config = ConfigText(rendered.text)
        self.rendered = rendered
        self._parsed = parsed

    def get(self) -> tuple[Any, ConfigText]:
        """(config, pp_config)."""
        return self.config, self.pp_config

    @property
    def spans(self) -> dict[str, Span]:
        return self._parsed.spans

    @property
    def source_map(self) -> SourceMap:
        return self.rendered.source_map

    @property
    def trace(self) -> Trace:
        return self.rendered.trace

    @property
    def warnings(self) -> list[TemplateError]:
        return self.rendered.warnings

    @property
    def blocks(self) -> dict[str, list[Span]]:
        """Where each block is defined and overridden, the most derived first."""
        return self.rendered.blocks


class ConfigEnvironment:
    """Renders and parses the templates of a search path.

    searchpath: one directory or several; the first that has a template of a name wins, and a
        directory that does not exist is passed over.
    pp_environment: another environment, whose templates added from Python are shared.
    global_vars: variables of every render.
    frozen: times and host names are tokens, so that nothing made from the text depends on them.
    """

    def __init__(
        self,
        searchpath: SearchPath = ".",
        pp_environment: ConfigEnvironment | None = None,
        global_vars: Mapping[str, Any] | None = None,
        *,
        frozen: bool = False,
    ) -> None:
        self._loader = TemplateLoader(searchpath)
        if pp_environment is not None:
            self._loader.added = pp_environment.get_loader().added
        self._renderer = Renderer(self._loader, global_vars, frozen=frozen)

    @property
    def searchpath(self) -> list[str]:
        """Absolute paths."""
        return list(self._loader.searchpath)

    def get_loader(self) -> TemplateLoader:
        return self._loader

    def render(self, path: str, /, **variables: Any) -> Rendered:
        """A template of the search path as text, with all that is known about where it came from."""
        return self._renderer.render(path, variables)

    def preprocess(self, path: str, /, **variables: Any) -> ConfigText:
        """A template of the search path as text."""
        return ConfigText(self._renderer.render(path, variables).text)

    def preprocess_from_string(self, text: str, /, **variables: Any) -> ConfigText:
        """A string as text; it may extend and include templates of the search path."""
        return ConfigText(self._renderer.render_text(text, variables).text)

    def load(self, path: str, /, **variables: Any) -> Config:
        """Render and parse a template of the search path."""
        return _parsed(self._renderer.render(path, variables))

    def load_from_string(self, text: str, /, **variables: Any) -> Config:
        """Render and parse a string, which is not split into inline templates."""
        return _parsed(self._renderer.render_text(text, variables))

    def load_from_ppstring(self, text: str, /) -> Config:
        """Parse text that is rendered already: nothing in it is Jinja."""
        return _parsed(self._renderer.verbatim(text))

    def find_referenced_templates(
        self, path: str, /, **variables: Any
    ) -> Iterator[tuple[int, str, str | None]]:
        """(level, name, path) of each template a config is made of, each once, children by name."""
        rendered = self.render(path, **variables)
        children: dict[str, set[str]] = {}
        for reference in rendered.references:
            children.setdefault(reference.parent, set()).add(reference.child)
        seen: set[str] = set()

        def visit(name: str, level: int) -> Iterator[tuple[int, str, str | None]]:
            seen.add(name)
            yield level, name, rendered.sections[name].path
            for child in sorted(children.get(name, ())):
                if child not in seen:
                    yield from visit(child, level + 1)

        yield from visit(next(iter(rendered.sections)), 0)

    def get_template_dependencies(self, path: str, /, **variables: Any) -> list[str]:
        """The files a config is made of, in the order they were read."""
        sections = self.render(path, **variables).sections.values()
        return list(dict.fromkeys(section.path for section in sections if section.path))


def _parsed(rendered: Rendered) -> Config:
    try:
        return Config(rendered, parse(rendered.text, rendered.source_map))
    except ForgatherError as error:
        if error.where is not None and not error.chain:
            error.chain = rendered.chain(error.where.template)
        raise
