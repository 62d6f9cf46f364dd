"""The one traversal of graphs: which children a value has, in which order, and what their paths are.

Every pass that needs to go through a graph uses :func:`edges` (one step) or :func:`walk` (all of it),
so that paths, sharing and cycles are understood in one place. This module knows nothing about what a
node means.

A path reads like the access it stands for: ``trainer.args.callbacks[2]``. Dict keys and keyword
arguments are ``.key``, list items and positional arguments ``[i]``; a key that would be misread is
quoted: ``["a.b"]``. The root's path is the empty string.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from forgather.errors import GraphError, Span
from forgather.graph import codes
from forgather.graph.nodes import UNSET, CallableNode, Node, VarNode

# Deep enough for any config a person writes, and shallow enough that every recursive pass over a
# graph (and the YAML parser before it) stays far away from Python's own recursion limit.
MAX_DEPTH = 100

LATENT_KEY = "latent_args"
DEFAULT_KEY = "default"


class Visit(NamedTuple):
    """One value met on a walk.

    parent, key: the value it was reached from and under which key (None for the root).
    """

    path: str
    value: Any
    parent: Any
    key: Any
    depth: int


def child_path(path: str, key: Any) -> str:
    """The path of the child under ``key``; the empty path is the root."""
    if isinstance(key, int) and not isinstance(key, bool):
        return f"{path}[{key}]"
    if not isinstance(key, str):
        return f"{path}[{key!r}]"
    if not key or any(letter in ".[]\"'" or letter.isspace() for letter in key):
        return f"{path}[{_quoted(key)}]"
    return f"{path}.{key}" if path else key


def _quoted(key: str) -> str:
    escaped = key.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def is_branch(value: Any) -> bool:
    """Whether the value can have children: a node or a plain container."""
    return isinstance(value, (Node, dict, list, tuple))


def edges(value: Any) -> Iterator[tuple[Any, Any]]:
    """(key, child) for each child of a value, in document order; nothing for a leaf."""
    if isinstance(value, CallableNode):
        yield from enumerate(value.args)
        yield from value.kwargs.items()
        if value.latent_args is not None:
            yield LATENT_KEY, value.latent_args
    elif isinstance(value, VarNode):
        if value.default is not UNSET:
            yield DEFAULT_KEY, value.default
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, (list, tuple)):
        yield from enumerate(value)


def walk(root: Any) -> Iterator[Visit]:
    """Everything reachable from ``root``, parents first, in document order.

    A node or container reached twice is reported at its first path only; a leaf each time. Raises
    GraphError for a cycle, and for a graph deeper than MAX_DEPTH.
    """
    yield Visit("", root, None, None, 0)
    seen = {id(root)}
    open_ids = {id(root): ""}
    stack: list[tuple[Any, str, Iterator[tuple[Any, Any]]]] = [(root, "", edges(root))]
    while stack:
        value, path, children = stack[-1]
        step = next(children, None)
        if step is None:
            stack.pop()
            del open_ids[id(value)]
            continue
        key, child = step
        place = child_path(path, key)
        if not is_branch(child):
            yield Visit(place, child, value, key, len(stack))
            continue
        if id(child) in open_ids:
            raise cycle_error(open_ids[id(child)], place, child)
        if id(child) in seen:
            continue
        if len(stack) > MAX_DEPTH:
            raise depth_error(place, child)
        seen.add(id(child))
        yield Visit(place, child, value, key, len(stack))
        open_ids[id(child)] = place
        stack.append((child, place, edges(child)))


def nodes(root: Any) -> Iterator[tuple[str, Node]]:
    """(path, node) of each node, once, in document order."""
    return ((visit.path, visit.value) for visit in walk(root) if isinstance(visit.value, Node))


def refuse_cycles(root: Any) -> None:
    """Raise GraphError where a walk would; recursive passes call this first."""
    deque(walk(root), maxlen=0)


def cycle_error(start: str, end: str, value: Any) -> GraphError:
    """The value at path ``start`` is reached again at path ``end``."""
    return GraphError(
        f"the graph refers to itself: {end} is {start or 'the whole config'} again",
        where=value.span if isinstance(value, Node) else None,
        hint="a value cannot be made from itself; one of the references must go elsewhere",
        code=codes.CYCLE,
    )


def depth_error(path: str, value: Any) -> GraphError:
    return GraphError(
        f"nested more than {MAX_DEPTH} levels deep: {path}",
        where=value.span if isinstance(value, Node) else None,
        code=codes.TOO_DEEP,
    )


def spans(root: Any) -> dict[str, Span]:
    """The known places of all nodes and their arguments, by path."""
    found: dict[str, Span] = {}
    for path, node in nodes(root):
        for key, span in node.arg_spans.items():
            found[child_path(path, key)] = span
        if node.span is not None:
            found[path] = node.span
    return found
