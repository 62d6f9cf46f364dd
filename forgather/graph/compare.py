"""Compare two graphs: what would be built differently, not which lines of text differ.

Keys are compared by name, list items by content (an item put in front of a list is one addition, not
a change of every item after it). A shared node is compared once. Two graphs that build equal objects
may still share them differently; that is a difference too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Any

from forgather.errors import Span
from forgather.graph.canonical import digest
from forgather.graph.nodes import UNSET, CallableNode, FactoryNode, Node, VarNode
from forgather.graph.plain import contrast, describe, tag
from forgather.graph.walk import DEFAULT_KEY, LATENT_KEY, child_path

Spans = Mapping[str, Span]


@dataclass(frozen=True)
class Change:
    """One difference. kind: added, removed, changed, sharing; ``old`` and ``new`` are short texts.

    also: further paths at which the very same lines of the templates make the same difference.
    """

    kind: str
    path: str
    old: str | None
    new: str | None
    old_span: Span | None
    new_span: Span | None
    also: tuple[str, ...] = ()


def compare(
    old: Any,
    new: Any,
    old_spans: Spans,
    new_spans: Spans,
    *,
    skip: Iterable[tuple[Any, Any]] = (),
) -> list[Change]:
    """The differences from ``old`` to ``new`` in document order of ``old``.

    skip: pairs of calls, one of each graph, that are not looked into.
    """
    start = _Place("", None)
    comparison = _Comparison(old_spans, new_spans)
    comparison.compared.update((id(before), id(after)) for before, after in skip)
    return _joined(comparison.values(old, new, start, start))


def _joined(changes: Iterable[Change]) -> list[Change]:
    """An anchor that many places refer to is one change, not many."""
    found: dict[tuple, Change] = {}
    for change in changes:
        key = (change.kind, change.old, change.new, change.old_span, change.new_span)
        if change.old_span is None and change.new_span is None:
            key = (*key, change.path)
        first = found.setdefault(key, change)
        if first is not change:
            found[key] = replace(first, also=(*first.also, change.path))
    return list(found.values())


@dataclass(frozen=True)
class _Place:
    """A path, and the span to show where the path itself has none."""

    path: str
    span: Span | None

    def child(self, key: Any, span: Span | None) -> _Place:
        return _Place(child_path(self.path, key), span or self.span)


class _Comparison:
    def __init__(self, old_spans: Spans, new_spans: Spans) -> None:
        self.old_spans = old_spans
        self.new_spans = new_spans
        self.compared: set[tuple[int, int]] = set()
        self.partner_of_old: dict[int, tuple[int, str]] = {}
        self.partner_of_new: dict[int, tuple[int, str]] = {}

    def values(self, old: Any, new: Any, at: _Place, to: _Place) -> Iterator[Change]:
        if isinstance(old, CallableNode) and isinstance(new, CallableNode):
            yield from self._calls(old, new, at, to)
        elif isinstance(old, VarNode) and isinstance(new, VarNode):
            yield from self._variables(old, new, at, to)
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from self._mappings(old, new, at, to)
        elif isinstance(old, list | tuple) and type(old) is type(new):
            yield from self._sequences(old, new, at, to)
        elif not _same_leaf(old, new):
            yield self._change("changed", old, new, at, to)

    def _calls(self, old: CallableNode, new: CallableNode, at: _Place, to: _Place):
        if sharing := self._sharing(old, new, at, to):
            yield sharing
        if (id(old), id(new)) in self.compared:
            return
        self.compared.add((id(old), id(new)))
        if (tag(old), old.constructor) != (tag(new), new.constructor):
            yield self._change("changed", old, new, at, to)
        yield from self._sequences(old.args, new.args, at, to, old, new)
        yield from self._mappings(old.kwargs, new.kwargs, at, to, old, new)
        here, there = (place.child("submodule_searchpath", None) for place in (at, to))
        yield from self._sequences(old.submodule_searchpath, new.submodule_searchpath, here, there)
        if old.latent_args is not new.latent_args:
            here, there = at.child(LATENT_KEY, None), to.child(LATENT_KEY, None)
            yield from self.values(old.latent_args, new.latent_args, here, there)

    def _sharing(self, old: CallableNode, new: CallableNode, at: _Place, to: _Place):
        """A Change where one side shares an object that the other builds twice, else None."""
        before = self.partner_of_old.setdefault(id(old), (id(new), at.path))
        after = self.partner_of_new.setdefault(id(new), (id(old), to.path))
        if isinstance(old, FactoryNode) or isinstance(new, FactoryNode):
            return None  # a new object at every reference anyway
        if before[0] != id(new) and before[1] != at.path:
            texts = (f"the same object as {before[1]}", "an object of its own")
        elif after[0] != id(old) and after[1] != to.path:
            texts = ("an object of its own", f"the same object as {after[1]}")
        else:
            return None
        return Change("sharing", to.path, *texts, self._old_span(at, old), self._new_span(to, new))

    def _variables(self, old: VarNode, new: VarNode, at: _Place, to: _Place) -> Iterator[Change]:
        if old.name != new.name or (old.default is UNSET) != (new.default is UNSET):
            yield self._change("changed", old, new, at, to)
        elif old.default is not UNSET:
            here, there = at.child(DEFAULT_KEY, old.span), to.child(DEFAULT_KEY, new.span)
            yield from self.values(old.default, new.default, here, there)

    def _mappings(self, old: dict, new: dict, at, to, old_node=None, new_node=None):
        for key, value in old.items():
            here = at.child(key, _argument_span(old_node, key, value))
            if key not in new:
                yield self._change("removed", value, None, here, None)
                continue
            there = to.child(key, _argument_span(new_node, key, new[key]))
            yield from self.values(value, new[key], here, there)
        for key, value in new.items():
            if key not in old:
                there = to.child(key, _argument_span(new_node, key, value))
                yield self._change("added", None, value, None, there)

    def _sequences(self, old, new, at, to, old_node=None, new_node=None) -> Iterator[Change]:
        def before(index: int) -> _Place:
            return at.child(index, _argument_span(old_node, index, old[index]))

        def after(index: int) -> _Place:
            return to.child(index, _argument_span(new_node, index, new[index]))

        for i, j in _align(old, new):
            if j is None:
                yield self._change("removed", old[i], None, before(i), None)
            elif i is None:
                yield self._change("added", None, new[j], None, after(j))
            else:
                yield from self.values(old[i], new[j], before(i), after(j))

    def _change(
        self, kind: str, old: Any, new: Any, at: _Place | None, to: _Place | None
    ) -> Change:
        if kind == "changed":
            texts = contrast(old, new)
        else:
            texts = (None if at is None else describe(old), None if to is None else describe(new))
        return Change(
            kind,
            (to or at).path,
            *texts,
            None if at is None else self._old_span(at, old),
            None if to is None else self._new_span(to, new),
        )

    def _old_span(self, place: _Place, value: Any) -> Span | None:
        return self.old_spans.get(place.path) or getattr(value, "span", None) or place.span

    def _new_span(self, place: _Place, value: Any) -> Span | None:
        return self.new_spans.get(place.path) or getattr(value, "span", None) or place.span


def _argument_span(node: Node | None, key: Any, value: Any) -> Span | None:
    if node is not None and key in node.arg_spans:
        return node.arg_spans[key]
    return getattr(value, "span", None)


def _same_leaf(old: Any, new: Any) -> bool:
    same = type(old) is type(new) and old == new
    return same or (isinstance(old, float) and isinstance(new, float) and old != old and new != new)


def _align(old, new) -> Iterator[tuple[int | None, int | None]]:
    """Pairs of indexes that belong together; None where an item has no counterpart."""
    old_keys, new_keys = [digest(item) for item in old], [digest(item) for item in new]
    matcher = SequenceMatcher(None, old_keys, new_keys, autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        for step in range(max(i2 - i1, j2 - j1)):
            i = i1 + step if i1 + step < i2 else None
            j = j1 + step if j1 + step < j2 else None
            yield i, j
