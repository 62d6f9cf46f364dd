"""An indented dump of a graph for people: what is in it and what is shared. Not meant to be parsed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, TextIO

from forgather.graph.nodes import UNSET, CallableNode, Node, VarNode
from forgather.graph.walk import LATENT_KEY, child_path, edges, is_branch, refuse_cycles

_TAGS = {
    "SingletonNode": "!singleton",
    "FactoryNode": "!factory",
    "PartialNode": "!partial",
    "MetaNode": "!meta",
}


def fconfig(obj: Any) -> str:
    """The graph as indented text, keys sorted; a node met again is shown as ``*path``."""
    refuse_cycles(obj)
    return "\n".join(_Dump().lines("", "", obj, ""))


def pconfig(obj: Any, file: TextIO | None = None) -> None:
    """Print :func:`fconfig` of the graph, for notebooks."""
    print(fconfig(obj), file=file or sys.stdout)


class _Dump:
    def __init__(self) -> None:
        self.shown: dict[int, str] = {}

    def lines(self, label: str, indent: str, value: Any, path: str) -> Iterator[str]:
        if not is_branch(value):
            yield f"{indent}{label}{value!r}"
            return
        children = list(edges(value))
        if not isinstance(value, Node) and not children:
            yield f"{indent}{label}{value!r}"
            return
        if id(value) in self.shown:
            yield f"{indent}{label}*{self.shown[id(value)] or '<root>'}"
            return
        self.shown[id(value)] = path
        head = f"{label}{_heading(value)}".rstrip()
        if head:
            yield f"{indent}{head}"
        inner = indent + "    " if head else indent
        for key, child in _sorted_edges(value, children):
            yield from self.lines(_label(key), inner, child, child_path(path, key))


def _label(key: Any) -> str:
    if isinstance(key, int) and not isinstance(key, bool):
        return "- "
    return f"{key}: "


def _sorted_edges(value: Any, children: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    if isinstance(value, (list, tuple)):
        return children
    ordered = isinstance(value, CallableNode)
    count = len(value.args) if ordered else 0
    positional, named = children[:count], children[count:]
    # latent_args last: it is not one of the keywords.
    named.sort(key=lambda edge: (ordered and edge[0] == LATENT_KEY, str(edge[0])))
    return positional + named


def _heading(value: Any) -> str:
    if isinstance(value, VarNode):
        return f"!var {value.name}" + ("" if value.default is not UNSET else " (required)")
    if isinstance(value, CallableNode):
        name = f"@{value.identity}" if value.identity else ""
        return f"{_TAGS[type(value).__name__]}:{value.constructor}{name}"
    return ""
