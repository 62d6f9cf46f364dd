"""One rendered config, and what it tells about its templates: who extends whom, which blocks and
anchors there are. Knows no files but those of the render, and nothing of editors.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from forgather.config import ConfigEnvironment
from forgather.errors import ForgatherError, Span
from forgather.graph.nodes import CallableNode
from forgather.graph.walk import nodes
from forgather.lang.parse import parse
from forgather.lang.render import Rendered
from forgather.lang.source import Section
from forgather.meta_config import MetaConfig

_ANCHOR = re.compile(r"(?:^|(?<=[\s\[{,:]))([&*])([^\s\[\]{},*&]+)")


class Context:
    """root: the graph, where the text parses."""

    def __init__(self, rendered: Rendered, root: Any = None) -> None:
        self.rendered = rendered
        self.root = root

    @property
    def sections(self) -> Mapping[str, Section]:
        return self.rendered.sections

    @cached_property
    def _names(self) -> dict[str, str]:
        return {
            os.path.realpath(section.path): name
            for name, section in self.sections.items()
            if section.path is not None and not section.inline
        }

    def name_of(self, path: str) -> str | None:
        """The logical name of a file that took part in the render."""
        return self._names.get(os.path.realpath(path))

    def template_place(self, name: str) -> Span | None:
        """The file, or the separator line of an inline template."""
        section = self.sections.get(name)
        if section is None:
            return None
        return Span(name, section.first_line - int(section.inline), None, section.path)

    # -- inheritance

    @cached_property
    def _parents(self) -> dict[str, list[str]]:
        parents: dict[str, list[str]] = {}
        for reference in self.rendered.references:
            if reference.kind == "extends":
                parents.setdefault(reference.parent, []).append(reference.child)
        return parents

    def ancestors(self, template: str) -> list[str]:
        """What the template extends, nearest first."""
        found: list[str] = []
        todo = list(self._parents.get(template, ()))
        while todo:
            if (name := todo.pop(0)) not in found:
                found.append(name)
                todo += self._parents.get(name, ())
        return found

    def family(self, template: str) -> set[str]:
        """The template, what it extends, and what extends it."""
        below = {name for name in self.sections if template in self.ancestors(name)}
        return {template, *self.ancestors(template), *below}

    def block_chain(self, block: str, template: str | None) -> list[Span]:
        """Where a block is defined and overridden in the family of a template, base first."""
        if template is None:
            return []
        family = self.family(template)
        depth = {name: len(self.ancestors(name)) for name in family}
        places = [span for span in self.rendered.blocks.get(block, ()) if span.template in family]
        return sorted(places, key=lambda span: depth[span.template])

    def inherited_blocks(self, template: str | None) -> Iterator[tuple[str, Span]]:
        """(name, nearest definition) of every block that the template may override."""
        above = self.ancestors(template) if template is not None else []
        for block, places in sorted(self.rendered.blocks.items()):
            found = [span for span in places if span.template in above]
            if found:
                yield block, min(found, key=lambda span: above.index(span.template))

    def blocks_seen_by_child(self, template: str) -> Iterator[tuple[str, Span]]:
        """What a template that extends this one could override."""
        family = [template, *self.ancestors(template)]
        for block, places in sorted(self.rendered.blocks.items()):
            found = [span for span in places if span.template in family]
            if found:
                yield block, min(found, key=lambda span: family.index(span.template))

    # -- the rendered text

    @cached_property
    def _marks(self) -> list[tuple[str, str, int, int]]:
        """("&" or "*", name, line, column) of each anchor and alias of the rendered text."""
        return [
            (found[1], found[2], number, found.start())
            for number, line in enumerate(self.rendered.text.split("\n"))
            for found in _ANCHOR.finditer(line)
        ]

    def anchors(self) -> Iterator[tuple[str, Span | None]]:
        for mark, name, line, column in self._marks:
            if mark == "&":
                yield name, self.rendered.source_map.locate(line, column)

    def anchor_places(self, name: str, alias: tuple[str, int | None]) -> list[Span]:
        """Definitions of an anchor; of several, first the one that the alias at (file, line) means."""
        marks = [mark for mark in self._marks if mark[1] == name]
        here = next((m[2] for m in marks if m[0] == "*" and self._is_at(m[2], alias)), None)
        found = [mark for mark in marks if mark[0] == "&"]
        before = [mark for mark in found if here is None or mark[2] <= here]
        ordered = before[::-1] + [mark for mark in found if mark not in before]
        spans = (self.rendered.source_map.locate(line, column) for _, _, line, column in ordered)
        return list(dict.fromkeys(span for span in spans if span is not None))

    def _is_at(self, line: int, place: tuple[str, int | None]) -> bool:
        span = self.rendered.source_map.locate(line)
        if span is None or span.path is None:
            return False
        return os.path.realpath(span.path) == os.path.realpath(place[0]) and span.line == place[1]

    # -- the graph

    def searchpath_of(self, spec: str | None) -> tuple[str, ...]:
        """Where relative modules of a spec are looked up; for None, or one that does not say, any.

        Besides submodule_searchpath this is the argument ``searchpath``, by which a code generator is
        told where the parts of a model are.
        """
        calls = [node for _, node in nodes(self.root) if isinstance(node, CallableNode)]
        own = [node.submodule_searchpath for node in calls if node.constructor == spec]
        every = [node.submodule_searchpath for node in calls]
        every += [node.kwargs.get("searchpath", ()) for node in calls]
        return _folders(own) or _folders(every)


def _folders(lists: list[Any]) -> tuple[str, ...]:
    """The strings of all lists, each once."""
    found = [each for value in lists if isinstance(value, (list, tuple)) for each in value]
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str)))


def load(meta: MetaConfig, config: str) -> Context | None:
    """None where the config does not render; without a graph where the text does not parse."""
    environment = ConfigEnvironment(meta.searchpath, global_vars=meta.variables)
    try:
        rendered = environment.render(meta.config_path(config))
    except ForgatherError:
        return None
    try:
        return Context(rendered, parse(rendered.text, rendered.source_map).root)
    except ForgatherError:
        return Context(rendered)
