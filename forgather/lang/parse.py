"""Rendered YAML text to a graph, each node with its place in the user's templates.

Knows the meaning of tags; knows nothing about importing or calling what they name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from forgather.errors import GraphError, Span, YamlError
from forgather.graph.check import check
from forgather.graph.nodes import UNSET, CallableNode, Node, SingletonNode, VarNode
from forgather.graph.walk import walk
from forgather.lang import codes, scalars
from forgather.lang.arguments import Pairs, call_arguments, check_keywords, take_node_settings
from forgather.lang.compose import Item, MappingItem, ScalarItem, SequenceItem, compose
from forgather.lang.sourcemap import SourceMap
from forgather.lang.tags import CALLS, CONTAINERS, VAR, Tag, parse_tag
from forgather.memory import no_collections

_ABSENT = object()


@dataclass
class ParsedConfig:
    """root: the graph; at the root, keys that begin with a dot are gone.

    text: the YAML it was parsed from; source_map: where each line of it came from.
    """

    root: Any
    text: str
    source_map: SourceMap
    _positions: dict[int, dict[Any, tuple[int, int]]] = field(repr=False, default_factory=dict)
    _kept: list[Any] = field(repr=False, default_factory=list)

    @cached_property
    def spans(self) -> dict[str, Span]:
        """Graph path -> place in a template, of every node and leaf."""
        found: dict[str, Span] = {}
        for visit in walk(self.root):
            span = self._span(visit.value, visit.parent, visit.key)
            if span is not None:
                found[visit.path] = span
        return found

    def _span(self, value: Any, parent: Any, key: Any) -> Span | None:
        if isinstance(parent, Node):
            return parent.arg_spans.get(key) or parent.span
        position = self._positions.get(id(parent), {}).get(key)
        if position is not None:
            return self.source_map.locate(*position)
        return value.span if isinstance(value, Node) else self.source_map.locate(0)


def parse(text: str, source_map: SourceMap) -> ParsedConfig:
    """The graph of a rendered config; names and types are checked."""
    text = str.__str__(text)
    with no_collections():
        builder = _Builder(source_map)
        root = builder.root(compose(text, source_map))
        check(root)
    return ParsedConfig(root, text, source_map, builder.positions, builder.kept)


class _Builder:
    """Items to graph values, each item once, so that what YAML shares the graph shares."""

    def __init__(self, source_map: SourceMap) -> None:
        self.source_map = source_map
        self.positions: dict[int, dict[Any, tuple[int, int]]] = {}
        self.kept: list[Any] = []  # so that no id in positions is used again
        self._done: dict[int, Any] = {}
        self._flat: dict[int, Pairs] = {}
        self._scalars: dict[str, Any] = {}

    def root(self, item: Item | None) -> Any:
        if item is None:
            return None
        if not isinstance(item, MappingItem) or item.tag is not None:
            return self.build(item)
        pairs = self.pairs(item)
        for key, value in pairs:
            if not isinstance(key, str):
                raise GraphError(
                    f"the name of a target must be a string, not {key!r}",
                    where=self.place(value),
                    hint=f"quote it: '{key}'",
                    code=codes.ROOT_KEY,
                )
            self.build(value)
        return self._mapping([pair for pair in pairs if not pair[0].startswith(".")])

    def build(self, item: Item) -> Any:
        done = self._done.get(id(item), _ABSENT)
        if done is not _ABSENT:
            return done
        value = self._value(item)
        self._done[id(item)] = value
        self.kept.append(item)
        return value

    def _value(self, item: Item) -> Any:
        tag = item.tag
        if isinstance(item, ScalarItem) and (tag is None or not _is_local(tag)):
            return self._scalar(item)
        if tag is None or tag in ("!", f"{scalars.PREFIX}seq", f"{scalars.PREFIX}map"):
            return self._plain(item)
        if not _is_local(tag):
            raise self._unsupported(item)
        parsed = parse_tag(tag, self.place(item))
        if parsed.word == VAR:
            return self._var(item)
        if parsed.word in CONTAINERS:
            return self._container(parsed, item)
        return self._call(parsed, item)

    def place(self, item: Item) -> Span | None:
        return self.source_map.locate(item.line, item.column)

    # -- plain data

    def _scalar(self, item: ScalarItem) -> Any:
        if item.tag is None and item.plain:
            value = self._scalars.get(item.value, _ABSENT)
            if value is not _ABSENT:
                return value
        tag = item.tag
        if tag is None:
            tag = scalars.implicit_tag(item.value) if item.plain else f"{scalars.PREFIX}str"
        try:
            value = scalars.construct(tag, item.value)
        except LookupError:
            raise self._unsupported(item, tag) from None
        except ValueError as error:
            raise YamlError(
                f"{item.value!r} does not fit {_short(tag)}: {error}",
                where=self.place(item),
                code=codes.SCALAR,
            ) from error
        if item.tag is None and item.plain:
            self._scalars[item.value] = value
        return value

    def _plain(self, item: Item) -> Any:
        if isinstance(item, MappingItem):
            return self._mapping(self.pairs(item))
        if item.tag == f"{scalars.PREFIX}map" or not isinstance(item, SequenceItem):
            raise self._wrong_kind(item, _short(item.tag or ""), "a mapping")
        values = [self.build(each) for each in item.value]
        return self._remember(values, dict(enumerate(item.value)))

    def _mapping(self, pairs: Pairs) -> dict[Any, Any]:
        values = {key: self.build(value) for key, value in pairs}
        return self._remember(values, dict(pairs))

    def _remember(self, value: Any, items: dict[Any, Item]) -> Any:
        self.kept.append(value)
        self.positions[id(value)] = {key: (item.line, item.column) for key, item in items.items()}
        return value

    def pairs(self, item: Item) -> Pairs:
        """(key, value item) of a mapping: merged entries first, as YAML 1.1 says."""
        found = self._flat.get(id(item))
        if found is None:
            # An item never contains itself: composing refused that.
            merged: Pairs = []
            own: Pairs = []
            for key, value in item.value:
                if isinstance(key, ScalarItem) and self._is_merge(key):
                    merged += self._merged(key, value)
                else:
                    own.append((self._key(key), value))
            self._flat[id(item)] = found = merged + own
        return found

    def _is_merge(self, key: ScalarItem) -> bool:
        return key.tag == scalars.MERGE or (key.value == "<<" and key.plain and key.tag is None)

    def _merged(self, key: Item, value: Item) -> Pairs:
        if isinstance(value, MappingItem):
            return self.pairs(value)
        if isinstance(value, SequenceItem) and all(
            isinstance(each, MappingItem) for each in value.value
        ):
            # Of several, the first wins: dict keeps what is said last.
            return [pair for each in reversed(value.value) for pair in self.pairs(each)]
        raise YamlError(
            f"only a mapping can be merged with '<<', and this is a {value.kind}",
            where=self.place(key),  # an alias is the value itself, elsewhere
            hint="give an alias of a mapping, or a list of such aliases",
            code=codes.MERGE,
        )

    def _key(self, item: Item) -> Any:
        if not isinstance(item, ScalarItem) or (item.tag and _is_local(item.tag)):
            raise YamlError(
                f"a key must be a plain value, and this is a {item.kind}",
                where=self.place(item),
                hint="quote it to make it a string",
                code=codes.KEY,
            )
        return self._scalar(item)

    # -- tags

    def _call(self, tag: Tag, item: Item) -> CallableNode:
        found = call_arguments(tag, item, self.pairs)
        check_keywords(tag, found.kwargs, self.place)
        args = [item.value for item in found.args] if found.raw else self._all(found.args)
        node = self._node(CALLS[tag.word], tag, tag.spec, item, args, found.args, found.kwargs)
        take_node_settings(node)
        return node

    def _container(self, tag: Tag, item: Item) -> SingletonNode:
        args: list[Item] = []
        kwargs: dict[Any, Item] = {}
        wanted = MappingItem if tag.word in ("dict", "dlist") else SequenceItem
        if isinstance(item, wanted):
            if tag.word == "dict":
                kwargs = dict(self.pairs(item))
            elif tag.word == "dlist":
                entries = dict(self.pairs(item))
                args = [value for value in entries.values() if self.build(value) is not None]
            else:
                args = item.value
        elif not isinstance(item, ScalarItem) or item.value:
            expected = "a mapping" if wanted is MappingItem else "a sequence"
            raise self._wrong_kind(item, f"!{tag.word}", f"{expected}, or nothing")
        constructor = CONTAINERS[tag.word]
        return self._node(SingletonNode, tag, constructor, item, self._all(args), args, kwargs)

    def _node(
        self,
        make: type[Any],
        tag: Tag,
        constructor: str,
        item: Item,
        args: list[Any],
        arg_items: list[Item],
        kwarg_items: dict[Any, Item],
    ) -> Any:
        spans = {
            key: span
            for key, each in (*enumerate(arg_items), *kwarg_items.items())
            if (span := self.place(each)) is not None
        }
        kwargs = {key: self.build(each) for key, each in kwarg_items.items()}
        return make(
            constructor,
            args,
            kwargs,
            identity=tag.name,
            span=self.place(item),
            arg_spans=spans,
        )

    def _all(self, items: list[Item]) -> list[Any]:
        return [self.build(item) for item in items]

    def _var(self, item: Item) -> VarNode:
        name: Any = None
        default: Item | None = None
        if isinstance(item, ScalarItem):
            name = item.value
        elif isinstance(item, SequenceItem) and 1 <= len(item.value) <= 2:
            name = self.build(item.value[0])
            default = item.value[1] if len(item.value) == 2 else None
        elif isinstance(item, MappingItem) and set(dict(self.pairs(item))) <= {"name", "default"}:
            entries = dict(self.pairs(item))
            name = self.build(entries["name"]) if "name" in entries else None
            default = entries.get("default")
        if not isinstance(name, str) or not name:
            raise GraphError(
                "!var needs the name of a variable, and at most a default",
                where=self.place(item),
                hint="write !var name, !var [name, default] or !var { name: ..., default: ... }",
                code=codes.VAR_FORM,
            )
        span = self.place(default) if default else None
        return VarNode(
            name,
            self.build(default) if default else UNSET,
            span=self.place(item),
            arg_spans={"default": span} if span else None,
        )

    # -- errors

    def _wrong_kind(self, item: Item, tag: str, expected: str) -> GraphError:
        return GraphError(
            f"{tag} expects {expected}, and this is a {item.kind}"
            + (f": {item.value!r}" if isinstance(item, ScalarItem) else ""),
            where=self.place(item),
            code=codes.TAG_ARGUMENTS,
        )

    def _unsupported(self, item: Item, tag: str | None = None) -> GraphError:
        tag = tag or item.tag or ""
        text = item.value if isinstance(item, ScalarItem) else item.kind
        date = tag == f"{scalars.PREFIX}timestamp"
        return GraphError(
            f"unsupported type {'date' if date else _short(tag)}: {text!r}",
            where=self.place(item),
            hint=(
                f"quote it to make it a string: '{text}'"
                if date
                else "a config holds strings, numbers, booleans, null, lists and mappings"
            ),
            code=codes.UNSUPPORTED,
        )


def _is_local(tag: str) -> bool:
    return tag.startswith("!") and tag != "!"


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(scalars.PREFIX) if tag.startswith(scalars.PREFIX) else tag
