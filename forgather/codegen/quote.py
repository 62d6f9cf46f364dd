"""Graph nodes written as code that makes the nodes themselves: what a ``!meta`` constructor gets.

A node or container that is referenced more than once gets a variable, so its identity survives; for
``!var`` with a plain default it means nothing, and each reference is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from forgather.codegen.text import Expr, bracketed, display, scalar
from forgather.graph.nodes import UNSET, CallableNode, Node, VarNode
from forgather.graph.walk import is_branch

if TYPE_CHECKING:
    from forgather.codegen.expr import Compiler

# Deeper brackets are broken up by a variable: Python and black both have their limits.
MAX_NESTING = 12


class Quoter:
    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        self.builtin = compiler.imports.builtin
        self.counts = compiler.sharing.quoted_counts
        self.names: dict[int, str] = {}  # id of a value -> its variable

    def quote(self, value: Any, nesting: int) -> Expr:
        """The expression that makes the value as it is, nodes and all."""
        if not is_branch(value):
            return scalar(value, None, self.builtin)
        if id(value) in self.names:
            return Expr.of(self.names[id(value)], None)
        small = value == () or (isinstance(value, VarNode) and not is_branch(value.default))
        if small or (self.counts[id(value)] < 2 and nesting <= MAX_NESTING):
            return self._written(value, nesting)
        expression = self._written(value, 0)
        name = self.names[id(value)] = self.compiler.name_for(value, "_node")
        self.compiler.define(name, expression)
        return Expr.of(name, None)

    def entries(self, mapping: Mapping[Any, Any], nesting: int) -> list[Expr]:
        """``key: value`` for each entry of a dict display."""
        pairs = [
            (scalar(key, None, self.builtin).text, self.quote(item, nesting + 1))
            for key, item in mapping.items()
        ]
        return [item.wrapped(f"{key}: ") for key, item in pairs]

    def _written(self, value: Any, nesting: int) -> Expr:
        path = self.compiler.sharing.paths[id(value)]
        if isinstance(value, CallableNode):
            return self._node(value, value.constructor, self._fields(value, nesting), path)
        if isinstance(value, VarNode):
            fields = []
            if value.default is not UNSET:
                fields = [self.quote(value.default, nesting + 1).wrapped("default=")]
            return self._node(value, value.name, fields, path)
        if isinstance(value, dict):
            return display("{", self.entries(value, nesting), "}", path)
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return display(opening, [self.quote(i, nesting + 1) for i in value], closing, path)

    def _node(self, node: Node, first: str, fields: list[Expr], path: str) -> Expr:
        items = [scalar(first, None, self.builtin), *fields]
        if node.identity is not None:
            items.append(scalar(node.identity, None, self.builtin).wrapped("identity="))
        class_name = self.compiler.imports.symbol("forgather.graph", type(node).__name__)
        if len(items) == 1:
            return Expr.of(f"{class_name}({items[0].text})", path)
        return bracketed(f"{class_name}(", items, ")", path)

    def _fields(self, node: CallableNode, nesting: int) -> list[Expr]:
        fields = []
        if node.args:
            items = [self.quote(item, nesting + 2) for item in node.args]
            fields.append(display("[", items, "]", None).wrapped("args="))
        if node.kwargs:
            items = self.entries(node.kwargs, nesting + 1)
            fields.append(display("{", items, "}", None).wrapped("kwargs="))
        if node.submodule_searchpath:
            items = [scalar(path, None, self.builtin) for path in node.submodule_searchpath]
            fields.append(display("[", items, "]", None).wrapped("submodule_searchpath="))
        if node.latent_args is not None:
            fields.append(self.quote(node.latent_args, nesting + 1).wrapped("latent_args="))
        return fields
