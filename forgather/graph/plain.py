"""Read plain data out of a graph without building anything.

``!list``, ``!dict`` and the like become Python containers, ``!var`` becomes its default. Any other
node would call something; what stands for it is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import Any

from forgather.graph.nodes import CONTAINER_CONSTRUCTORS, UNSET, CallableNode, Node, VarNode


def plain(value: Any, *, opaque: Callable[[Node], Any] = lambda node: None) -> Any:
    """``value`` as plain data; ``opaque(node)`` stands for a node that would call something."""

    def go(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: go(item) for key, item in part.items()}
        if isinstance(part, list | tuple):
            return type(part)(go(item) for item in part)
        if isinstance(part, VarNode):
            return opaque(part) if part.default is UNSET else go(part.default)
        if isinstance(part, CallableNode) and part.constructor in CONTAINER_CONSTRUCTORS:
            return _container(part, go)
        return opaque(part) if isinstance(part, Node) else part

    return go(value)


def _container(node: CallableNode, go: Callable[[Any], Any]) -> Any:
    if node.constructor == "named_dict":
        return {key: go(item) for key, item in node.kwargs.items()}
    items = [go(item) for item in node.args]
    return tuple(items) if node.constructor == "named_tuple" else items


def describe(value: Any, limit: int = 60) -> str:
    """One short line for a value of a graph: ``1.0e-3``, ``!partial:torch.optim:AdamW``, ``{3}``."""
    if isinstance(value, VarNode):
        return f"!var {value.name}"
    if isinstance(value, CallableNode):
        name = f"@{value.identity}" if value.identity else ""
        return f"!{tag(value)}:{value.constructor}{name}"
    if isinstance(value, dict):
        text = "{" + ", ".join(map(str, value)) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(describe(item, 20) for item in value) + "]"
    else:
        text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def contrast(old: Any, new: Any, limit: int = 60) -> tuple[str, str]:
    """:func:`describe` for two values; of long strings that begin alike, what is alike is cut."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return describe(old, limit), describe(new, limit)
    texts = repr(old), repr(new)
    same = (a == b for a, b in zip(*texts, strict=False))
    shared = len(list(takewhile(bool, same)))
    if max(map(len, texts)) > limit and shared > 20:
        texts = f"'...{texts[0][shared - 16 :]}", f"'...{texts[1][shared - 16 :]}"
    short = [text if len(text) <= limit else text[: limit - 3] + "..." for text in texts]
    return short[0], short[1]


def tag(node: Node) -> str:
    """The tag a user would write for this node."""
    name = type(node).__name__.removesuffix("Node").lower()
    return "call" if name == "singleton" else name
