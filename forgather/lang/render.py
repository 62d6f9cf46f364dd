"""Templates to text: the middle of the pipeline, as a function from names and variables to text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.errors import Span, TemplateError
from forgather.lang import bytecode, sourcemap
from forgather.lang.compiler import translate
from forgather.lang.environment import TemplateEnvironment
from forgather.lang.functions import Functions
from forgather.lang.loader import TemplateLoader
from forgather.lang.mapped import literal
from forgather.lang.session import Reference, Session
from forgather.lang.source import Section, normalize
from forgather.lang.sourcemap import SourceMap
from forgather.lang.trace import Trace
from forgather.lang.variables import standard_variables

STRING_NAME = "<string>"


@dataclass(frozen=True)
class Rendered:
    """What one render gave.

    text: plain YAML.
    source_map: the place in a template of each line of ``text``.
    trace: all that the render depended on.
    """

    text: str
    source_map: SourceMap
    trace: Trace
    _session: Session = field(repr=False)

    @property
    def sections(self) -> Mapping[str, Section]:
        """The templates that took part, in the order they were loaded."""
        return self._session.sections

    @property
    def references(self) -> list[Reference]:
        """Which template extended, included or imported which."""
        return list(self._session.references)

    @property
    def blocks(self) -> dict[str, list[Span]]:
        """Where each block is defined and overridden, the most derived first."""
        return self._session.blocks()

    @property
    def warnings(self) -> list[TemplateError]:
        """What is most likely a mistake, and yet renders: errors that were not raised."""
        return self._session.warnings()

    def chain(self, template: str) -> tuple[Span, ...]:
        """How the render came to a template."""
        return self._session.chain(template)

    def translations(self) -> Iterator[tuple[str, str]]:
        """(name, text after line statements and blocks) of each template, for debugging."""
        return ((name, translate(section)) for name, section in self.sections.items())


class Renderer:
    """Renders templates of one search path.

    variables: given to every render, besides the standard ones.
    frozen: times and host names are tokens (see :mod:`forgather.lang.functions`).
    cache: directory for compiled templates; the user's cache directory when not given.
    """

    def __init__(
        self,
        loader: TemplateLoader,
        variables: Mapping[str, Any] | None = None,
        *,
        frozen: bool = False,
        cache: Path | None = None,
    ) -> None:
        self.loader = loader
        self.variables = dict(variables or {})
        self.frozen = frozen
        self._cache = bytecode.BytecodeCache(cache or bytecode.default_directory())

    def render(self, name: str, variables: Mapping[str, Any] | None = None) -> Rendered:
        """Render a template of the search path."""
        return self._render(name, None, variables or {})

    def render_text(self, text: str, variables: Mapping[str, Any] | None = None) -> Rendered:
        """Render a string, which is not split into sections."""
        return self._render(STRING_NAME, text, variables or {})

    def verbatim(self, text: str) -> Rendered:
        """Text that is rendered already, as if it had been copied line by line."""
        trace = Trace()
        session = Session(self.loader, trace, {})
        session.sections[STRING_NAME] = Section(STRING_NAME, normalize(text))
        output = literal(session.sections[STRING_NAME].text, STRING_NAME, 1)
        return Rendered(
            str.__str__(output), sourcemap.build(output, session.sections), trace, session
        )

    def _render(self, name: str, text: str | None, variables: Mapping[str, Any]) -> Rendered:
        trace = Trace()
        given = {**self.variables, **variables}
        session = Session(self.loader, trace, given)
        if text is not None:
            session.sections[name] = Section(name, normalize(text))
        functions = Functions(trace, frozen=self.frozen).table()
        environment = TemplateEnvironment(session, self._cache, functions)
        context = {**standard_variables(trace, frozen=self.frozen), **given}
        try:
            template = environment.get_template(name)
            output = environment.concat(template.root_render_func(template.new_context(context)))
        except Exception as error:
            from forgather.lang.diagnose import explain  # most renders do not fail

            explained = explain(error, session)
            if explained is error:
                raise
            raise explained from error
        source_map = sourcemap.build(output, session.sections)
        return Rendered(str.__str__(output), source_map, trace, session)
