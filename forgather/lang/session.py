"""One render in progress: which templates it has loaded, from where, and what they refer to.

Everything a render learns lives here and ends with it, so that no render depends on what was rendered
before. Inline templates are known from the moment their file is loaded. They go before files of the
same name; of two inline templates of one name the first loaded counts, which is the one of the more
derived template, as it is with blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import jinja2

from forgather.errors import Span, TemplateError, nearest
from forgather.lang import codes
from forgather.lang.loader import TemplateLoader, name_parts
from forgather.lang.source import Section
from forgather.lang.trace import Trace


class MissingTemplate(jinja2.TemplateNotFound):
    """A reference to a template that does not exist; ``include ... ignore missing`` catches it."""


class Reference(NamedTuple):
    """``parent`` refers to ``child`` at ``line`` (of its section). kind: extends, include, import."""

    kind: str
    parent: str
    child: str
    line: int


class Session:
    """variables: what was given to the render."""

    def __init__(self, loader: TemplateLoader, trace: Trace, variables: dict[str, Any]) -> None:
        self.loader = loader
        self.trace = trace
        self.variables = variables
        self.sections: dict[str, Section] = {}  # loaded, in order
        self.references: dict[Reference, None] = {}
        self.block_places: dict[str, dict[str, tuple[int, str | None]]] = {}
        self.pending: tuple[str, str, int] | None = None  # kind, parent, line of the next load
        self._inline: dict[str, Section] = {}
        self._hidden: list[tuple[Section, Section]] = []

    # -- loading

    def find(self, name: str) -> Section:
        """The section of this name; notes who referred to it. MissingTemplate where there is none."""
        section = self._lookup(name)
        if section is None:
            raise MissingTemplate(name)  # of several names, the next may be there
        pending, self.pending = self.pending, None
        if pending is not None:
            kind, parent, line = pending
            reference = Reference(kind, parent, section.name, line)
            if kind == "extends":
                self._refuse_cycle(reference)
            self.references.setdefault(reference)
        return section

    def _lookup(self, name: str) -> Section | None:
        if name not in self.loader.added and name in self._inline:
            section = self._inline[name]
        else:
            plain = "/".join(name_parts(name)) if name not in self.loader.added else name
            if plain in self.sections:
                return self.sections[plain]
            found = self.loader.read(plain, self.trace)
            if found is None:
                return None
            section, *inline = found
            for part in inline:
                self._register(part)
        self.sections.setdefault(section.name, section)
        return section

    def _register(self, part: Section) -> None:
        first = self._inline.setdefault(part.name, part)
        if first is not part:
            self._hidden.append((part, first))

    def _refuse_cycle(self, new: Reference) -> None:
        names = [new.parent]
        for name in self._ancestors(new.child):
            names.append(name)
            if name == new.parent:
                raise self._cycle_error(new, names)

    def _cycle_error(self, new: Reference, names: list[str]) -> TemplateError:
        name = new.child
        section = self.sections[new.parent]
        paths = self.loader.paths(name) if not section.inline else []
        hint = "extend another template"
        if len(paths) > 1 and section.path in paths:
            hint = (
                f"the name is found first at {paths[0]}, which hides {paths[1]}: "
                "give this config a name of its own"
            )
        message = f"template {name!r} extends itself"
        if new.parent != name:
            message = f"templates extend each other: {' -> '.join(names)}"
        return TemplateError(
            message,
            where=section.find(new.line, name),
            hint=hint,
            code=codes.EXTENDS_ITSELF,
            chain=self.chain(new.parent),
        )

    def _ancestors(self, name: str) -> Iterator[str]:
        """The template itself and all it extends, nearest first."""
        seen: set[str] = set()
        todo = [name]
        while todo:
            if (current := todo.pop(0)) in seen:
                continue
            seen.add(current)
            yield current
            todo += [
                ref.child
                for ref in self.references
                if ref.kind == "extends" and ref.parent == current
            ]

    # -- places

    def chain(self, name: str) -> tuple[Span, ...]:
        """How the render came to this template: the references that led here, nearest first."""
        first: dict[str, Reference] = {}
        for reference in self.references:
            first.setdefault(reference.child, reference)
        places: list[Span] = []
        seen = {name}
        while (reference := first.get(name)) is not None:
            places.append(self.sections[reference.parent].span(reference.line))
            name = reference.parent
            if name in seen:
                break
            seen.add(name)
        return tuple(places)

    def blocks(self) -> dict[str, list[Span]]:
        """Where each block is defined and overridden, the most derived first."""
        places: dict[str, list[Span]] = {}
        for template, blocks in self.block_places.items():
            for block, (line, _) in blocks.items():
                places.setdefault(block, []).append(self.sections[template].find(line, block))
        return places

    def known_names(self) -> list[str]:
        """All template names that would be found now."""
        names = [name for name, _ in self.loader.templates(suffix="")]
        return sorted({*names, *self._inline, *self.loader.added})

    # -- warnings

    def warnings(self) -> list[TemplateError]:
        """What is most likely a mistake, and yet renders."""
        return [*self._unknown_blocks(), *self._hidden_inlines()]

    def _unknown_blocks(self) -> Iterator[TemplateError]:
        for template, blocks in self.block_places.items():
            parents = [name for name in self._ancestors(template) if name != template]
            known = {block for name in parents for block in self.block_places.get(name, ())}
            for block, (line, outer) in blocks.items():
                if parents and outer is None and block not in known:
                    yield self._unknown_block(template, block, line, known)

    def _unknown_block(
        self, template: str, block: str, line: int, known: set[str]
    ) -> TemplateError:
        close = nearest(block, known)
        return TemplateError(
            f"no parent of this template has a block {block!r}, so it is not rendered",
            where=self.sections[template].find(line, block),
            hint=f"did you mean {close!r}?" if close else None,
            code=codes.UNKNOWN_BLOCK,
            chain=self.chain(template),
        )

    def _hidden_inlines(self) -> Iterator[TemplateError]:
        for hidden, first in self._hidden:
            yield TemplateError(
                f"inline template {hidden.name!r} is hidden by one of the same name",
                where=Span(hidden.name, hidden.first_line - 1, None, hidden.path),
                hint=f"{first.path or first.name}:{first.first_line - 1} was loaded first",
                code=codes.SHADOWED,
            )
