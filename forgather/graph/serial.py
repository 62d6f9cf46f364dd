"""Graphs as versioned JSON text: everything that matters for materializing, back again exactly.

Nodes, and containers that are referenced more than once, stand in a table, so sharing survives and the
text grows with the graph and not with its expansion. Places in templates are not part of it: an edit
that only moves lines leaves the text as it was. :func:`loads` takes them from outside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from forgather.errors import GraphError, Span
from forgather.graph.canonical import KINDS
from forgather.graph.nodes import UNSET, CallableNode, Node, VarNode
from forgather.graph.scalars import Roots, read_scalar, write_scalar
from forgather.graph.walk import child_path, edges, is_branch, nodes, refuse_cycles

SCHEMA = 1

_CLASSES = {kind: cls for cls, kind in KINDS.items()}


def dumps(obj: Any, *, roots: Mapping[str, str] | None = None) -> str:
    """The graph as JSON text; paths below ``roots`` (name -> directory) are written by name."""
    refuse_cycles(obj)
    table = Roots(roots)
    encoder = _Encoder(obj, table)
    root = encoder.encode(obj)
    # One line for each entry of the table: a change in a config is a change in a few lines.
    entries = ",\n".join(_json(entry) for entry in encoder.table)
    return (
        f'{{"schema": {SCHEMA}, "roots": {_json(table.names)}, "table": [\n{entries}\n],\n'
        f'"root": {_json(root)}}}\n'
    )


def loads(
    text: str,
    *,
    roots: Mapping[str, str] | None = None,
    spans: Mapping[str, Span] | None = None,
) -> Any:
    """The graph that :func:`dumps` wrote.

    roots: must name every root that was used in writing; where they are may differ.
    spans: path -> place, for the errors of whoever materializes the graph.
    """
    try:
        document = json.loads(text)
        schema = document["schema"]
    except (ValueError, TypeError, KeyError) as error:
        raise GraphError(f"this is not a compiled graph: {error}") from error
    if schema != SCHEMA:
        raise GraphError(
            f"the compiled graph has schema {schema!r}, and this version reads {SCHEMA}",
            hint="compile the config again",
        )
    if missing := [name for name in document["roots"] if name not in (roots or {})]:
        raise GraphError(f"the compiled graph needs the directory of {', '.join(missing)}")
    used = {name: path for name, path in (roots or {}).items() if name in document["roots"]}
    obj = _Decoder(document["table"], Roots(used)).decode(document["root"])
    if spans:
        attach_spans(obj, spans)
    return obj


def _json(data: Any) -> str:
    return json.dumps(data, allow_nan=False)


def attach_spans(obj: Any, spans: Mapping[str, Span]) -> None:
    """Give the nodes of a graph their places, and those of their arguments, by path."""
    for path, node in nodes(obj):
        node.span = spans.get(path)
        found = ((key, spans.get(child_path(path, key))) for key, _ in edges(node))
        node.arg_spans = {key: span for key, span in found if span is not None}


class _Encoder:
    def __init__(self, obj: Any, roots: Roots) -> None:
        self.roots = roots
        self.table: list[Any] = []
        self.places: dict[int, int] = {}
        self.shared = _shared_containers(obj)

    def encode(self, value: Any) -> Any:
        if not is_branch(value):
            return write_scalar(value, self.roots)
        if not isinstance(value, Node) and id(value) not in self.shared:
            return self.container(value)
        if id(value) not in self.places:
            # The entry is written after those it refers to, so reading never looks ahead.
            entry = self.node(value) if isinstance(value, Node) else self.container(value)
            self.places[id(value)] = len(self.table)
            self.table.append(entry)
        return ["ref", self.places[id(value)]]

    def container(self, value: Any) -> Any:
        if isinstance(value, dict):
            return ["dict", *self.entries(value)]
        kind = "tuple" if isinstance(value, tuple) else "list"
        return [kind, *(self.encode(item) for item in value)]

    def entries(self, mapping: Mapping[Any, Any]) -> list[list[Any]]:
        return [
            [write_scalar(key, self.roots), self.encode(value)] for key, value in mapping.items()
        ]

    def node(self, node: Node) -> dict[str, Any]:
        data: dict[str, Any] = {}
        if node.identity is not None:
            data["name"] = node.identity
        if isinstance(node, VarNode):
            data |= {"kind": "var", "variable": node.name}
            if node.default is not UNSET:
                data["default"] = self.encode(node.default)
            return data
        assert isinstance(node, CallableNode)
        data |= {"kind": KINDS[type(node)], "constructor": self.roots.write(node.constructor)}
        if node.args:
            data["args"] = [self.encode(item) for item in node.args]
        if node.kwargs:
            data["kwargs"] = self.entries(node.kwargs)
        if node.submodule_searchpath:
            data["searchpath"] = [self.roots.write(path) for path in node.submodule_searchpath]
        if node.latent_args is not None:
            data["latent_args"] = self.encode(node.latent_args)
        return data


class _Decoder:
    def __init__(self, table: list[Any], roots: Roots) -> None:
        self.roots = roots
        self.values: list[Any] = []
        for entry in table:
            self.values.append(self.node(entry) if isinstance(entry, dict) else self.decode(entry))

    def decode(self, data: Any) -> Any:
        if not isinstance(data, list):
            return read_scalar(data, self.roots)
        kind, *rest = data
        if kind == "ref":
            return self.values[rest[0]]
        if kind == "dict":
            return self.entries(rest)
        if kind == "list":
            return [self.decode(item) for item in rest]
        if kind == "tuple":
            return tuple(self.decode(item) for item in rest)
        return read_scalar(data, self.roots)

    def entries(self, data: list[list[Any]]) -> dict[Any, Any]:
        return {read_scalar(key, self.roots): self.decode(value) for key, value in data}

    def node(self, data: dict[str, Any]) -> Node:
        name = data.get("name")
        if data["kind"] == "var":
            default = self.decode(data["default"]) if "default" in data else UNSET
            return VarNode(data["variable"], default, identity=name)
        return _CLASSES[data["kind"]](
            self.roots.read(data["constructor"]),
            [self.decode(item) for item in data.get("args", ())],
            self.entries(data.get("kwargs", [])),
            identity=name,
            submodule_searchpath=[self.roots.read(path) for path in data.get("searchpath", ())],
            latent_args=self.decode(data["latent_args"]) if "latent_args" in data else None,
        )


def _shared_containers(obj: Any) -> set[int]:
    """The ids of plain containers that are referenced more than once."""
    once: set[int] = set()
    shared: set[int] = set()
    stack = [obj]
    while stack:
        value = stack.pop()
        if not is_branch(value):
            continue
        if id(value) in once:
            shared.add(id(value))
            continue
        once.add(id(value))
        stack.extend(child for _, child in edges(value))
    return shared
