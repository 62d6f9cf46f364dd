"""What a graph means, as data that is equal whenever the meaning is.

Not in it: the order of keys, names of nodes, places in templates, absolute paths below known roots.
In it: types (1, 1.0, True and "1" differ; so do 0.0 and -0.0), and which singletons are shared. A plain
container or a factory gives a new object at each reference, so an alias of one and a copy of it are
the same thing here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from forgather.graph.nodes import (
    UNSET,
    CallableNode,
    FactoryNode,
    MetaNode,
    Node,
    PartialNode,
    SingletonNode,
    VarNode,
)
from forgather.graph.scalars import Roots, write_scalar
from forgather.graph.walk import MAX_DEPTH, depth_error, is_branch, refuse_cycles

KINDS: dict[type[CallableNode], str] = {
    SingletonNode: "singleton",
    FactoryNode: "factory",
    PartialNode: "partial",
    MetaNode: "meta",
}

Replace = Callable[[Node], Any]


def canonical(
    obj: Any, *, replace: Replace | None = None, roots: Mapping[str, str] | None = None
) -> Any:
    """JSON data for the graph.

    replace: called with each node met; JSON that is not None takes the node's place, and what is
        below it is not looked at.
    roots: name -> absolute path; strings below a root are written ``${name}/...``.
    """
    refuse_cycles(obj)
    return _Encoder(replace, Roots(roots)).encode(obj)


def digest(
    obj: Any, *, replace: Replace | None = None, roots: Mapping[str, str] | None = None
) -> str:
    """sha256, in hex, of the canonical form."""
    data = canonical(obj, replace=replace, roots=roots)
    text = json.dumps(data, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return hashlib.sha256(b"forgather-graph-1\0" + text.encode()).hexdigest()


def default_key(node: VarNode) -> tuple[str, str]:
    """Two variables with equal keys are one: same name, equal default with the same nodes in it."""
    encoder = _Encoder(lambda inner: {"id": id(inner)}, Roots(None))
    return node.name, json.dumps(encoder.encode(node.default))


class _Encoder:
    def __init__(self, replace: Replace | None, roots: Roots) -> None:
        self.replace = replace
        self.roots = roots
        self.numbers: dict[int, int] = {}  # id of a shared kind of node -> order of first visit
        self.depth = 0

    def encode(self, value: Any) -> Any:
        if not is_branch(value):
            return write_scalar(value, self.roots)
        if self.depth > MAX_DEPTH:
            raise depth_error("a value", value)
        self.depth += 1
        data = self.branch(value)
        self.depth -= 1
        return data

    def branch(self, value: Any) -> Any:
        if isinstance(value, Node):
            return self.node(value)
        if isinstance(value, dict):
            return ["dict", *self.entries(value)]
        kind = "tuple" if isinstance(value, tuple) else "list"
        return [kind, *(self.encode(item) for item in value)]

    def entries(self, mapping: Mapping[Any, Any]) -> list[list[Any]]:
        # Sorted before the values are visited: the numbers below must not depend on the order of keys.
        keyed = [(write_scalar(key, self.roots), value) for key, value in mapping.items()]
        keyed.sort(key=lambda entry: json.dumps(entry[0]))
        return [[key, self.encode(value)] for key, value in keyed]

    def node(self, node: Node) -> Any:
        if self.replace is not None and (data := self.replace(node)) is not None:
            return ["replaced", data]
        if isinstance(node, VarNode):
            default = [] if node.default is UNSET else [self.encode(node.default)]
            return ["var", node.name, *default]
        assert isinstance(node, CallableNode)
        if id(node) in self.numbers:
            return ["same", self.numbers[id(node)]]
        if not isinstance(node, FactoryNode):
            self.numbers[id(node)] = len(self.numbers)
        data = {
            "args": [self.encode(item) for item in node.args],
            "kwargs": self.entries(node.kwargs),
        }
        if node.submodule_searchpath:
            data["searchpath"] = [self.roots.write(path) for path in node.submodule_searchpath]
        if node.latent_args is not None:
            data["latent_args"] = self.encode(node.latent_args)
        return [KINDS[type(node)], self.roots.write(node.constructor), data]
