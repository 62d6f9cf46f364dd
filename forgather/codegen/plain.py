"""Settings of a ``!meta`` call as plain values: its arguments arrive as graph, not materialized."""

from __future__ import annotations

from typing import Any

from forgather.errors import CodegenError
from forgather.graph.nodes import UNSET, CallableNode, Node, VarNode


def plain(value: Any, name: str) -> Any:
    """``value`` without nodes: containers are opened, a variable stands for its default.

    Raises CodegenError for a value that only calling something could give; ``name`` says which
    setting it belongs to.
    """
    if isinstance(value, dict):
        return {key: plain(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(plain(item, f"{name}[{i}]") for i, item in enumerate(value))
    if isinstance(value, VarNode) and value.default is not UNSET:
        return plain(value.default, name)
    if isinstance(value, CallableNode) and value.constructor in ("named_list", "named_tuple"):
        kind = list if value.constructor == "named_list" else tuple
        return kind(plain(item, f"{name}[{i}]") for i, item in enumerate(value.args))
    if isinstance(value, CallableNode) and value.constructor == "named_dict":
        return {key: plain(item, f"{name}.{key}") for key, item in value.kwargs.items()}
    if isinstance(value, Node):
        raise CodegenError(
            f"{name} must be a plain value, not {value!r}",
            where=value.span,
            hint="code is generated before anything is constructed, so a setting cannot be computed",
        )
    return value
