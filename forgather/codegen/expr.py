"""From a graph to the pieces of a Python function: imports, parameters, definitions, result.

The pieces are independent of where they end up: :mod:`forgather.codegen.python` writes a plain
function from them, the model package writer a method of a class. Running them makes the same objects,
shared in the same way, as materializing the graph does. Nothing that the graph names is imported here.

Long because the forms of an expression and their placement decide each other: one pass knows both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from forgather.codegen.imports import HELPER_NAMES, Imports, Relocate
from forgather.codegen.names import Names, is_plain_name
from forgather.codegen.quote import MAX_NESTING, Quoter
from forgather.codegen.sharing import Sharing
from forgather.codegen.text import (
    Expr,
    Line,
    bracketed,
    called,
    display,
    scalar,
    source,
    string_literal,
    subscript,
)
from forgather.errors import CodegenError, ForgatherError, Span
from forgather.graph.materialize import effective_arguments
from forgather.graph.nodes import (
    UNSET,
    CallableNode,
    FactoryNode,
    MetaNode,
    Node,
    PartialNode,
    VarNode,
)
from forgather.graph.specs import SpecKind
from forgather.graph.walk import LATENT_KEY, is_branch, spans

POLICIES = ("required", "named", "all")

# Stands for a default that must be made at each call; no value of a graph is an Ellipsis, and None is.
NOT_GIVEN = "..."

_NATIVE_FUNCTIONS = {
    "call": "lambda function, /, *args, **kwargs: function(*args, **kwargs)",
    "items": "lambda mapping: mapping.items()",
    "keys": "lambda mapping: mapping.keys()",
    "named_list": "lambda *items: [*items]",
    "named_tuple": "lambda *items: items",
    "values": "lambda mapping: mapping.values()",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the generated function. default: its source, or None."""

    name: str
    default: str | None = None

    def __str__(self) -> str:
        return self.name if self.default is None else f"{self.name}={self.default}"


@dataclass(slots=True)
class CodeParts:
    """What a generated function is put together from.

    imports: import statements, sorted.
    helpers: module-level source for importing from files by path; "" where no node does.
    variables: parameters, those without a default first, each group by name.
    definitions, main: the lines of the body, and of the resulting expression.
    spans: path -> place in the template, for every path that a line may carry.
    names: hands out further names that are free here.
    """

    imports: list[str]
    helpers: str
    variables: list[Parameter]
    definitions: list[Line]
    main: list[Line]
    spans: dict[str, Span] = field(repr=False)
    names: Names = field(repr=False)

    @property
    def definitions_text(self) -> str:
        return source(self.definitions)

    @property
    def main_text(self) -> str:
        return source(self.main)


def compile_graph(
    obj: Any,
    *,
    name_policy: str = "named",
    reserved: Collection[str] = (),
    relocate: Relocate | None = None,
) -> CodeParts:
    """The pieces of a function that makes what the graph describes.

    name_policy: which nodes get a variable besides those that need one: ``required`` none, ``named``
        those with an explicit name, ``all`` every one.
    reserved: names that nothing generated may use (parameters of the variables excepted).
    relocate: says for an import spec and its search path from which module to import the symbol
        instead, or None to leave it.
    """
    if name_policy not in POLICIES:
        raise CodegenError(
            f"name_policy must be one of: {', '.join(POLICIES)}; not {name_policy!r}"
        )
    return Compiler(obj, name_policy, reserved, relocate).compile(obj)


class Compiler:
    """One graph on its way to code: what has a name by now, and the definitions so far."""

    def __init__(
        self, obj: Any, policy: str, reserved: Collection[str], relocate: Relocate | None
    ) -> None:
        self.spans = spans(obj)
        self.sharing = Sharing(obj)
        self.policy = policy
        parameters = self._parameter_names()
        self.names = Names({*reserved, *parameters, *HELPER_NAMES})
        self.imports = Imports(self.names, parameters, relocate)
        self._declare_imports()
        self.definitions: list[Line] = []
        self.references: dict[int, str] = {}  # id of a value -> what stands for it from now on
        self.quoter = Quoter(self)
        self.files: dict[tuple[str, tuple[str, ...], str], str] = {}
        self.defaults: dict[str, str] = {}  # parameter -> source of its default
        self.open_defaults: set[str] = set()

    def compile(self, obj: Any) -> CodeParts:
        main = self.value(obj, "", 0)
        parameters = [
            Parameter(name, self.defaults.get(name)) for name in sorted(self.sharing.variables)
        ]
        parameters.sort(key=lambda parameter: parameter.default is not None)
        return CodeParts(
            imports=self.imports.statements(),
            helpers=self.imports.helpers(),
            variables=parameters,
            definitions=self.definitions,
            main=main.lines,
            spans=self.spans,
            names=self.names,
        )

    def _parameter_names(self) -> list[str]:
        for name, node in self.sharing.variables.items():
            if not is_plain_name(name):
                raise CodegenError(
                    f"variable {name!r} cannot be a parameter: it is not a Python name",
                    where=node.span,
                    hint="rename it in the template",
                )
        return sorted(self.sharing.variables)

    def _declare_imports(self) -> None:
        """Give imports their names before any node gets one; sorted, so order does not matter."""
        wanted: set[tuple[str, str]] = set()
        for node in self.sharing.live:
            if not isinstance(node, CallableNode):
                continue
            try:
                source_of = self.imports.source_of(node.constructor, node.submodule_searchpath)
            except ForgatherError as error:
                error.where = error.where or node.span
                raise
            if module := source_of[1]:
                wanted.add((module, source_of[2].partition(".")[0]))
            if isinstance(node, (PartialNode, FactoryNode)):
                wanted.add(("functools", "partial"))
        for module, symbol in sorted(wanted):
            self.imports.declare(module, symbol)

    # Values: each method gives the expression to write at a reference.

    def value(self, value: Any, path: str, nesting: int, *, strict: bool = False) -> Expr:
        """strict: a node here gets a variable, so that it is made before what comes next."""
        if not is_branch(value):
            return scalar(value, path, self.imports.builtin)
        path = self.sharing.paths[id(value)]
        if id(value) in self.references:
            return Expr.of(self.references[id(value)], path)
        if isinstance(value, VarNode):
            return self.variable(value, path)
        if self.sharing.needs_function(value):
            return self.function(value, path)
        if not self._wants_name(value, nesting, strict):
            return self.made(value, nesting, strict=strict)
        expression = self.made(value, 0)
        name = self.name_for(value)
        self.define(name, expression)
        self.references[id(value)] = name
        return Expr.of(name, path)

    def child(
        self, parent: Any, key: Any, value: Any, nesting: int, *, strict: bool = False
    ) -> Expr:
        return self.value(value, self.sharing.path(value, parent, key), nesting, strict=strict)

    def _wants_name(self, value: Any, nesting: int, strict: bool) -> bool:
        if not isinstance(value, CallableNode):
            return nesting > MAX_NESTING and len(value) > 0
        if nesting > MAX_NESTING or strict or self.policy == "all":
            return True
        if self.policy == "named" and value.identity is not None:
            return True
        return self.sharing.repeated(value)

    def define(self, name: str, expression: Expr) -> None:
        self.definitions += expression.wrapped(f"{name} = ").lines

    def name_for(self, value: Any, suffix: str = "") -> str:
        identity = value.identity if isinstance(value, Node) else None
        if identity is None or self.policy == "required":
            return self.names.automatic()
        return self.names.fresh(identity + suffix)

    def variable(self, node: VarNode, path: str) -> Expr:
        name = node.name
        source_node = self.sharing.variables[name]
        if name in self.open_defaults:
            raise CodegenError(
                f"the default of variable {name!r} needs the variable itself", where=node.span
            )
        if source_node.default is UNSET or name in self.defaults:
            return Expr.of(name, path)
        default = source_node.default
        if _is_constant(default):
            self.defaults[name] = self.child(source_node, "default", default, 0).text
            return Expr.of(name, path)
        self.open_defaults.add(name)
        made = self.child(source_node, "default", default, 0).wrapped(f"{name} = ")
        self.open_defaults.remove(name)
        self.definitions += [Line(f"if {name} is {NOT_GIVEN}:", path), *made.indented()]
        self.defaults[name] = NOT_GIVEN
        return Expr.of(name, path)

    def function(self, value: Any, path: str) -> Expr:
        """A value that is made anew at each reference: ``name()``, with its definition."""
        if isinstance(value, FactoryNode) and self._can_bind(value):
            expression = self.bound(value, 0)
            name = self.name_for(value)
            self.define(name, expression)
        else:
            expression = self.made(value, 0)
            name = self.name_for(value)
            body = expression.wrapped("return ").indented()
            self.definitions += [Line(f"def {name}():", path), *body, Line("")]
        self.references[id(value)] = f"{name}()"
        return Expr.of(f"{name}()", path)

    def _can_bind(self, node: FactoryNode) -> bool:
        """Whether a partial will do: no argument is made anew at each call."""
        if self._native(node) is not None:
            return False
        children = (child for _, child in self.sharing.edges(node) if is_branch(child))
        return all(isinstance(c, Node) and not isinstance(c, FactoryNode) for c in children)

    def made(self, value: Any, nesting: int, *, strict: bool = False) -> Expr:
        """The expression that makes the value, written out."""
        path = self.sharing.paths[id(value)]
        if isinstance(value, PartialNode):
            return self.bound(value, nesting)
        if isinstance(value, CallableNode):
            return self.native_form(value, nesting) or self.call(value, nesting)
        if isinstance(value, dict):
            return self.mapping(value, value, nesting, path, strict=strict)
        items = [
            self.child(value, index, item, nesting + 1, strict=strict)
            for index, item in enumerate(value)
        ]
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return display(opening, items, closing, path)

    def mapping(
        self,
        parent: Any,
        entries: Mapping[Any, Any],
        nesting: int,
        path: str,
        *,
        late: Any = None,
        strict: bool = False,
    ) -> Expr:
        """A dict display; ``late`` is a node whose entries come last."""
        items = []
        for key, item in entries.items():
            expression = self.child(parent, key, item, nesting + 1, strict=strict)
            literal = scalar(key, None, self.imports.builtin).text
            items.append(expression.wrapped(f"{literal}: "))
        if late is not None:
            items.append(self.child(parent, LATENT_KEY, late, nesting + 1).as_atom().wrapped("**"))
        return display("{", items, "}", path)

    # Nodes.

    def call(self, node: CallableNode, nesting: int) -> Expr:
        path = self.sharing.paths[id(node)]
        arguments = self.arguments(node, nesting)
        callee = self.callee(node)
        if not callee.atomic:
            return called(callee, arguments)
        return bracketed(f"{callee.text}(", arguments, ")", path)

    def bound(self, node: CallableNode, nesting: int) -> Expr:
        """``partial(constructor, ...)``; without arguments the constructor itself."""
        path = self.sharing.paths[id(node)]
        arguments = self.arguments(node, nesting)
        if self._native(node) == "call" and effective_arguments(node)[0]:
            callee, *arguments = arguments  # a bound call of a function is that function, bound
        else:
            callee = self.callee(node)
        if not arguments:
            return callee
        partial = self.imports.symbol("functools", "partial")
        return bracketed(f"{partial}(", [callee, *arguments], ")", path)

    def arguments(self, node: CallableNode, nesting: int) -> list[Expr]:
        args, kwargs, late = effective_arguments(node)
        if isinstance(node, MetaNode):
            return self.meta_arguments(node, nesting)
        # A file is imported after its arguments are made: one of them may be what writes it.
        strict = self._kind(node) is SpecKind.FILE
        items = [
            self.child(node, index, item, nesting + 1, strict=strict)
            for index, item in enumerate(args)
        ]
        if late is None and all(map(is_plain_name, kwargs)):
            for key, item in kwargs.items():
                expression = self.child(node, key, item, nesting + 1, strict=strict)
                items.append(expression.wrapped(f"{key}="))
            return items
        self._refuse_odd_keys(node, kwargs)
        path = self.sharing.paths[id(node)]
        keywords = self.mapping(node, kwargs, nesting + 1, path, late=late, strict=strict)
        return [*items, keywords.wrapped("**")]

    def meta_arguments(self, node: MetaNode, nesting: int) -> list[Expr]:
        """The arguments of a node that gets them as graph."""
        args, kwargs, late = effective_arguments(node)
        items = [self.quoter.quote(item, nesting + 1) for item in args]
        if late is None and all(map(is_plain_name, kwargs)):
            pairs = [(key, self.quoter.quote(item, nesting + 1)) for key, item in kwargs.items()]
            return [*items, *(item.wrapped(f"{key}=") for key, item in pairs)]
        self._refuse_odd_keys(node, kwargs)
        entries = self.quoter.entries(kwargs, nesting + 1)
        if late is not None:
            entries.append(self.child(node, LATENT_KEY, late, nesting + 1).as_atom().wrapped("**"))
        return [*items, display("{", entries, "}", None).wrapped("**")]

    def _refuse_odd_keys(self, node: CallableNode, kwargs: Mapping[Any, Any]) -> None:
        for key in kwargs:
            if not isinstance(key, str):
                raise CodegenError(
                    f"the name of an argument must be a string, not {key!r}: "
                    + self.sharing.paths[id(node)],
                    where=node.span,
                )

    def _kind(self, node: CallableNode) -> SpecKind:
        return self.imports.source_of(node.constructor, node.submodule_searchpath)[0].kind

    def callee(self, node: CallableNode) -> Expr:
        """The expression for the constructor itself."""
        path = self.sharing.paths[id(node)]
        searchpath = node.submodule_searchpath
        spec, module, symbol = self.imports.source_of(node.constructor, searchpath)
        if module:
            return Expr.of(self.imports.symbol(module, symbol), path)
        if spec.kind is SpecKind.FILE:
            return Expr.of(self.file_symbol(spec.module, searchpath, symbol), path)
        if symbol in _NATIVE_FUNCTIONS and spec.kind is SpecKind.NATIVE:
            return Expr.of(_NATIVE_FUNCTIONS[symbol], path, atomic=False)
        if symbol == "getitem":
            return Expr.of(self.imports.symbol("operator", "getitem"), path)
        return Expr.of(self.imports.builtin("dict" if symbol == "named_dict" else symbol), path)

    def file_symbol(self, file: str, searchpath: tuple[str, ...], symbol: str) -> str:
        """A variable that holds a class or function of a Python file, imported where first used."""
        head, _, rest = symbol.partition(".")
        key = (file, searchpath, head)
        if key not in self.files:
            name = self.files[key] = self.names.fresh(head)
            texts = [string_literal(file), string_literal(head)]
            items = [Expr.of(text, None) for text in texts]
            if searchpath:
                folders = [Expr.of(string_literal(f), None, plain=True) for f in searchpath]
                items.append(display("(", folders, ")", None))
            imported = bracketed(f"{self.imports.use_files()}(", items, ")", None)
            self.define(name, imported)
        return f"{self.files[key]}.{rest}" if rest else self.files[key]

    def _native(self, node: CallableNode) -> str | None:
        """The name of a constructor that is written as syntax, if it is one."""
        spec = self.imports.source_of(node.constructor, node.submodule_searchpath)[0]
        if spec.kind is SpecKind.NATIVE or node.constructor == "getattr":
            return node.constructor
        return None

    def native_form(self, node: CallableNode, nesting: int) -> Expr | None:
        """The syntax for containers and access, where the arguments fit it."""
        name = self._native(node)
        if name is None or isinstance(node, MetaNode):
            return None
        args, kwargs, late = effective_arguments(node)
        path = self.sharing.paths[id(node)]
        if name == "named_dict" and not args:
            return self.mapping(node, kwargs, nesting, path, late=late)
        if name == "call" and args:
            function, *arguments = self.arguments(node, nesting)
            return called(function, arguments)
        if kwargs or late is not None:
            return None
        items = [self.child(node, i, item, nesting + 1) for i, item in enumerate(args)]
        if name in ("named_list", "named_tuple"):
            opening, closing = "[]" if name == "named_list" else "()"
            return display(opening, items, closing, path)
        if name == "getitem" and len(items) == 2:
            return subscript(*items)
        if name == "getattr" and len(items) == 2 and is_plain_name(args[1]):
            return items[0].as_atom().wrapped(after=f".{args[1]}")
        if name in ("items", "keys", "values") and len(items) == 1:
            return items[0].as_atom().wrapped(after=f".{name}()")
        return None


def _is_constant(value: Any) -> bool:
    """Whether one object can serve as a parameter's default for all calls."""
    if isinstance(value, tuple):
        return all(map(_is_constant, value))
    return not is_branch(value)
