"""Is this a graph at all? Leaf types, keys, names, size: all that needs no import of anything.

Knows nothing about constructors: whether they exist and what they accept is asked elsewhere
(:mod:`forgather.graph.resolve`, :mod:`forgather.graph.signature`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forgather.errors import DuplicateNameError, GraphError, Span
from forgather.graph import codes
from forgather.graph.nodes import CallableNode, FactoryNode, Node, VarNode
from forgather.graph.walk import Visit, edges, is_branch, walk

LEAF_TYPES = (str, int, float, bool, type(None))
KEY_TYPES = (str, int, float, bool, type(None))

# A plain container is copied at each reference, so a few nested aliases can stand for billions of
# values. More than this is not a config, and building it would never end.
MAX_EXPANDED = 1_000_000


def check(root: Any) -> None:
    """Raise the first problem found; return when the graph is sound."""
    for problem in problems(root):
        raise problem


def problems(root: Any) -> Iterator[GraphError]:
    """Every problem of the graph, in document order. A cycle ends the search."""
    named: dict[str, tuple[str, Node]] = {}
    try:
        for visit in walk(root):
            yield from _value_problems(visit)
            if isinstance(visit.value, Node) and visit.value.identity is not None:
                yield from _name_problems(visit, named)
    except GraphError as error:
        yield error
        return
    yield from _size_problems(root)


def leaf_span(parent: Any, key: Any) -> Span | None:
    """The best known place of the value that ``parent`` holds under ``key``."""
    if not isinstance(parent, Node):
        return None
    return parent.arg_spans.get(key) or parent.span


def _value_problems(visit: Visit) -> Iterator[GraphError]:
    value = visit.value
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, KEY_TYPES):
                yield _unsupported("key", key, visit)
    elif isinstance(value, CallableNode):
        yield from _node_problems(value, visit.path)
    elif isinstance(value, VarNode):
        if not isinstance(value.name, str) or not value.name:
            yield GraphError(
                f"the name of a variable must be a string, not {value.name!r}: {visit.path}",
                where=value.span,
            )
    elif not is_branch(value) and not isinstance(value, LEAF_TYPES):
        yield _unsupported("value", value, visit)


def _node_problems(node: CallableNode, path: str) -> Iterator[GraphError]:
    if not isinstance(node.constructor, str):
        yield GraphError(f"the constructor must be a string: {path}", where=node.span)
    for folder in node.submodule_searchpath:
        if not isinstance(folder, str):
            yield GraphError(
                f"submodule_searchpath must be a list of directories, found {folder!r}: {path}",
                where=leaf_span(node, "submodule_searchpath"),
            )
    for key in node.kwargs:
        if not isinstance(key, str) and node.constructor != "named_dict":
            yield GraphError(
                f"the name of an argument must be a string, not {key!r}: {path}",
                where=leaf_span(node, key),
            )
    if node.latent_args is not None and not isinstance(node.latent_args, (dict, Node)):
        yield GraphError(
            f"latent_args must be a mapping or a variable: {path}",
            where=leaf_span(node, "latent_args"),
        )


def _unsupported(what: str, value: Any, visit: Visit) -> GraphError:
    return GraphError(
        f"unsupported type {type(value).__name__!r} of the {what} {value!r}"
        + (f": {visit.path}" if visit.path else ""),
        where=leaf_span(visit.parent, visit.key),
        hint="quote it to make it a string" if "date" in type(value).__name__ else None,
        code=codes.UNSUPPORTED_TYPE,
    )


def _name_problems(visit: Visit, named: dict[str, tuple[str, Node]]) -> Iterator[GraphError]:
    name = visit.value.identity
    if name not in named:
        named[name] = (visit.path, visit.value)
        return
    path, first = named[name]
    place = f" ({first.span})" if first.span else ""
    yield DuplicateNameError(
        f"two nodes are named {name!r}: {path}{place} and {visit.path}",
        where=visit.value.span,
        hint="give one of them another name, or refer to the first by an alias",
    )


def _size_problems(root: Any) -> Iterator[GraphError]:
    if (size := expanded_size(root)) > MAX_EXPANDED:
        yield GraphError(
            f"the config stands for {size:,} values, because plain containers are copied at each "
            f"alias; the limit is {MAX_EXPANDED:,}",
            hint="make the repeated container a node (!list, !dict), which is shared, not copied",
            code=codes.TOO_LARGE,
        )


def expanded_size(root: Any) -> int:
    """How many values materializing would make: copies of containers and factories counted each."""
    sizes: dict[int, int] = {}
    built: set[int] = set()

    def size(value: Any) -> int:
        if not is_branch(value):
            return 1
        copied = not isinstance(value, Node) or isinstance(value, FactoryNode)
        if not copied and id(value) in built:
            return 1
        if copied and id(value) in sizes:
            return sizes[id(value)]
        built.add(id(value))
        total = 1 + sum(size(child) for _, child in edges(value))
        if copied:
            sizes[id(value)] = total
        return total

    return size(root)
