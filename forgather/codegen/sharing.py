"""How often generated code would make each value, if every reference were written out.

Code runs as materializing does: a singleton, a partial and a variable are made once; a factory and a
plain container at each reference. So what hangs below a factory that is referenced twice is needed
twice too, and a singleton there must have a name.

The arguments of a ``!meta`` node are *quoted*: they are handed over as graph, and counted apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forgather.errors import CodegenError
from forgather.graph.canonical import default_key
from forgather.graph.materialize import effective_arguments
from forgather.graph.nodes import UNSET, CallableNode, FactoryNode, MetaNode, Node, VarNode
from forgather.graph.walk import DEFAULT_KEY, LATENT_KEY, child_path, edges, is_branch, walk

# A container that is needed more than once is written out again up to this many values.
_INLINE_COPY = 8


class Sharing:
    """What is referenced how often in a graph, its variables, and the path of everything.

    live: the branches that are made, children before parents.
    variables: name -> the node that carries the default, if any does.
    """

    def __init__(self, root: Any) -> None:
        self.paths = {id(v.value): v.path for v in walk(root) if is_branch(v.value)}
        self.variables: dict[str, VarNode] = {}
        self.live: list[Any] = []
        self._collect(root, set())
        self.counts = self._count(root)
        self.quoted_counts = self._count_quoted()
        self._sizes: dict[int, int] = {}

    def path(self, value: Any, parent: Any, key: Any) -> str:
        """The path of a value, which may be a leaf, under its parent."""
        if is_branch(value):
            return self.paths[id(value)]
        return child_path(self.paths[id(parent)], key)

    def edges(self, value: Any) -> Iterator[tuple[Any, Any]]:
        """The children that are made when this value is, with their keys."""
        if isinstance(value, VarNode):
            if self.variables[value.name] is value and value.default is not UNSET:
                yield DEFAULT_KEY, value.default
            return
        if not isinstance(value, CallableNode):
            yield from edges(value)
            return
        args, kwargs, late = effective_arguments(value)
        if not isinstance(value, MetaNode):
            yield from enumerate(args)
            yield from kwargs.items()
        if late is not None:
            yield LATENT_KEY, late

    def quoted_edges(self, value: MetaNode) -> Iterator[tuple[Any, Any]]:
        """The arguments of a meta node, which it gets as they are."""
        args, kwargs, _ = effective_arguments(value)
        yield from enumerate(args)
        yield from kwargs.items()

    def repeated(self, value: Any) -> bool:
        return self.counts.get(id(value), 0) > 1

    def needs_function(self, value: Any) -> bool:
        """Whether a fresh value must be made by a function with a name."""
        if not self.repeated(value):
            return False
        if isinstance(value, Node):
            return isinstance(value, FactoryNode)
        return self._size(value) > _INLINE_COPY

    def _collect(self, value: Any, seen: set[int]) -> None:
        if not is_branch(value) or id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, VarNode):
            self._add_variable(value)
        for _, child in self.edges(value):
            self._collect(child, seen)
        self.live.append(value)

    def _add_variable(self, node: VarNode) -> None:
        first = self.variables.setdefault(node.name, node)
        if first is node or node.default is UNSET:
            return
        if first.default is UNSET:
            self.variables[node.name] = node
        elif default_key(first) != default_key(node):
            raise CodegenError(
                f"variable {node.name!r} has two different defaults, at {self.paths[id(first)]} "
                f"and at {self.paths[id(node)]}",
                where=node.span,
                hint="a function has one default for each parameter: give both the same, or "
                "use two variables",
            )

    def _count(self, root: Any) -> dict[int, int]:
        """Times each branch is needed; more than two is two."""
        counts = {id(root): 1}
        for value in reversed(self.live):
            fresh = not isinstance(value, Node) or isinstance(value, FactoryNode)
            times = counts[id(value)] if fresh else 1
            for _, child in self.edges(value):
                if is_branch(child):
                    counts[id(child)] = min(2, counts.get(id(child), 0) + times)
        return counts

    def _count_quoted(self) -> dict[int, int]:
        counts: dict[int, int] = {}
        stack = [
            child
            for node in self.live
            if isinstance(node, MetaNode)
            for _, child in self.quoted_edges(node)
        ]
        while stack:
            value = stack.pop()
            if not is_branch(value):
                continue
            counts[id(value)] = counts.get(id(value), 0) + 1
            if counts[id(value)] == 1:
                stack.extend(child for _, child in edges(value))
        return counts

    def _size(self, value: Any) -> int:
        """How many values are written where this one is; what has a name counts one."""
        if not is_branch(value) or isinstance(value, VarNode):
            return 1
        if id(value) not in self._sizes:
            inner = (child for _, child in self.edges(value))
            self._sizes[id(value)] = 1 + sum(
                1 if self._is_named(child) else self._size(child) for child in inner
            )
        return self._sizes[id(value)]

    def _is_named(self, value: Any) -> bool:
        if not self.repeated(value):
            return False
        return isinstance(value, Node) or self.needs_function(value)
