"""From graph to objects.

What holds within one call of :func:`materialize`:

- a singleton and a partial are made once; a factory makes a new object at each reference;
- a plain container is copied at each reference, and the nodes inside keep their identity;
- a variable has one value: the one given, else its default, which is made once;
- arguments are made first, then the constructor is imported: an argument may write the module;
- only what the asked targets need is made, and only its modules are imported.

Nothing is stored on nodes, so two calls give two sets of objects. Whatever a user's constructor
raises arrives as ConstructionError with the place of the node, its own exception chained.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from forgather.errors import (
    ConstructionError,
    ForgatherError,
    GraphError,
    ResolveError,
    Span,
    TargetError,
    UnboundVarError,
    did_you_mean,
    nearest,
)
from forgather.graph import codes
from forgather.graph.canonical import default_key
from forgather.graph.frames import user_frames
from forgather.graph.nodes import (
    UNSET,
    CallableNode,
    FactoryNode,
    MetaNode,
    Node,
    PartialNode,
    VarNode,
)
from forgather.graph.resolve import resolve
from forgather.graph.signature import ArgumentProblem, argument_problems
from forgather.graph.walk import MAX_DEPTH, child_path, cycle_error, depth_error, is_branch

Resolver = Callable[[str, Sequence[str]], Any]


def materialize(
    obj: Any,
    targets: str | Iterable[str] | None = None,
    variables: Mapping[str, Any] | None = None,
    *,
    overrides: Mapping[int, Any] | None = None,
    resolver: Resolver = resolve,
) -> Any:
    """Make the objects that a graph describes.

    targets: None for all of it, a string for that entry of a mapping, several for a dict of those
        entries, in the order of the document.
    variables: values for ``!var``.
    overrides: ``id(node)`` -> ready object, used instead of making that node or container.
    resolver: finds constructors: ``resolver(spec, submodule_searchpath)``.
    """
    builder = _Builder(variables or {}, overrides or {}, resolver)
    if targets is None:
        return builder.build(obj)
    if isinstance(targets, str):
        return builder.child(target_names(obj, [targets])[0], obj[targets])
    return {name: builder.child(name, obj[name]) for name in target_names(obj, targets)}


def call(
    node: Node,
    *args: Any,
    context_vars: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Materialize one node; a partial at the root is also called with the given arguments.

    For other nodes, keywords are values of variables, and there is nothing to hand positional
    arguments to.
    """
    if isinstance(node, PartialNode):
        return materialize(node, variables=context_vars)(*args, **kwargs)
    if args:
        raise TypeError(f"only a partial takes positional arguments, and this is {node!r}")
    return materialize(node, variables={**(context_vars or {}), **kwargs})


def target_names(obj: Any, names: Iterable[str]) -> list[str]:
    """The asked names in the order of the document; TargetError for one that is not there."""
    asked = list(dict.fromkeys(names))
    if not isinstance(obj, dict):
        raise TargetError(
            f"there is no target {', '.join(map(repr, asked))}: the config is not a mapping",
            hint="ask for the whole config",
        )
    known = [name for name in obj if isinstance(name, str)]
    for name in asked:
        if name not in obj:
            raise TargetError(f"there is no target {name!r}", hint=did_you_mean(name, known))
    return [name for name in obj if name in asked]


def effective_arguments(node: CallableNode) -> tuple[list[Any], dict[Any, Any], Any]:
    """(positional, keywords, late): a plain ``latent_args`` mapping is already merged in.

    ``late`` is a node that will yield more keywords, or None.
    """
    if isinstance(node.latent_args, dict):
        return node.args, {**node.kwargs, **node.latent_args}, None
    return node.args, node.kwargs, node.latent_args


class _Builder:
    """One call of materialize: its memo, and where in the graph it is."""

    def __init__(
        self, variables: Mapping[str, Any], overrides: Mapping[int, Any], resolver: Resolver
    ) -> None:
        self.variables = variables
        self.overrides = overrides
        self.resolver = resolver
        self.memo: dict[int, Any] = {}
        self.defaults: dict[tuple[str, str], Any] = {}
        self.keys: list[Any] = []
        self.open: dict[int, int] = {}  # id of a value in the making -> its depth

    @property
    def path(self) -> str:
        return self.path_at(len(self.keys))

    def path_at(self, depth: int) -> str:
        return functools.reduce(child_path, self.keys[:depth], "")

    def child(self, key: Any, value: Any) -> Any:
        if not is_branch(value):
            return value
        self.keys.append(key)
        result = self.build(value)
        self.keys.pop()
        return result

    def build(self, value: Any) -> Any:
        if not is_branch(value):
            return value
        ident = id(value)
        if ident in self.overrides:
            return self.overrides[ident]
        if ident in self.memo:
            return self.memo[ident]
        if ident in self.open:
            raise cycle_error(self.path_at(self.open[ident]), self.path, value)
        if len(self.keys) > MAX_DEPTH:
            raise depth_error(self.path, value)
        self.open[ident] = len(self.keys)
        result = self.make(value)
        del self.open[ident]
        if isinstance(value, CallableNode) and not isinstance(value, FactoryNode):
            self.memo[ident] = result
        return result

    def make(self, value: Any) -> Any:
        if isinstance(value, CallableNode):
            return self.construct(value)
        if isinstance(value, VarNode):
            return self.variable(value)
        if isinstance(value, dict):
            return {key: self.child(key, inner) for key, inner in value.items()}
        items = [self.child(index, inner) for index, inner in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items

    def variable(self, node: VarNode) -> Any:
        if node.name in self.variables:
            return self.variables[node.name]
        if node.default is UNSET:
            raise UnboundVarError(
                f"variable {node.name!r} has no value" + self._at(),
                where=node.span,
                hint=_variable_hint(node.name, sorted(map(str, self.variables))),
            )
        if not is_branch(node.default):
            return node.default
        key = default_key(node)
        if key not in self.defaults:
            self.defaults[key] = self.child("default", node.default)
        return self.defaults[key]

    def construct(self, node: CallableNode) -> Any:
        args, kwargs, late = effective_arguments(node)
        if isinstance(node, MetaNode):
            args, kwargs = list(args), dict(kwargs)
        else:
            args = [self.child(index, value) for index, value in enumerate(args)]
            kwargs = {key: self.child(key, value) for key, value in kwargs.items()}
        if late is not None:
            kwargs = {**kwargs, **self.latent(node, late)}
        if node.constructor == "named_dict" and not args and not isinstance(node, PartialNode):
            return dict(kwargs)  # unlike keyword arguments, its keys need not be strings
        if isinstance(node, PartialNode) and node.constructor == "call" and args:
            constructor, *args = args  # a bound call of a function is that function, bound
        else:
            constructor = self.resolve(node)
        if not isinstance(node, PartialNode):
            return self.invoke(node, constructor, args, kwargs)
        # Without arguments there is nothing to bind, and the constructor itself says more.
        if not args and not kwargs:
            return constructor
        # It will be called far from here, where nobody knows the line: ask now whether it fits.
        names = [key for key in kwargs if isinstance(key, str)]
        for problem in argument_problems(constructor, len(args), names, partial=True):
            raise self._wrong_argument(node, problem)
        return self.invoke(node, functools.partial, [constructor, *args], kwargs)

    def latent(self, node: CallableNode, late: Any) -> Mapping[str, Any]:
        value = self.child("latent_args", late)
        if not isinstance(value, Mapping):
            raise GraphError(
                f"latent_args must be a mapping, not {value!r}" + self._at(), where=node.span
            )
        return value

    def resolve(self, node: CallableNode) -> Callable[..., Any]:
        try:
            constructor = self.resolver(node.constructor, node.submodule_searchpath)
        except ForgatherError as error:
            _locate(error, node.span)
            raise
        if not callable(constructor):
            raise ResolveError(
                f"{node.constructor!r} is not callable: it is a {type(constructor).__name__}"
                + self._at(),
                where=node.span,
                code=codes.NOT_CALLABLE,
            )
        return constructor

    def invoke(
        self, node: CallableNode, constructor: Callable[..., Any], args: list[Any], kwargs: Any
    ) -> Any:
        try:
            return constructor(*args, **kwargs)
        except ForgatherError as error:
            # Ours already, and meant for the user; its own place says more than this node's.
            _locate(error, node.span)
            raise
        except TypeError as error:
            raise self._argument_error(node, constructor, args, kwargs, error) from error
        except Exception as error:
            raise self._failed(node, error) from error

    def _argument_error(
        self,
        node: CallableNode,
        constructor: Callable[..., Any],
        args: list[Any],
        kwargs: Mapping[Any, Any],
        error: TypeError,
    ) -> ConstructionError:
        """A TypeError: of the call itself, when the signature says so, and else from inside."""
        names = [key for key in kwargs if isinstance(key, str)]
        problem = next(argument_problems(constructor, len(args), names), None)
        if problem is None or isinstance(node, PartialNode):
            return self._failed(node, error)
        return self._wrong_argument(node, problem)

    def _wrong_argument(self, node: CallableNode, problem: ArgumentProblem) -> ConstructionError:
        where = problem.place(node.arg_spans)
        return ConstructionError(
            f"{node.constructor!r} {problem.message}" + self._at(),
            where=where or node.span,
            hint=problem.hint,
            code=codes.WRONG_ARGUMENTS,
        )

    def _failed(self, node: CallableNode, error: Exception) -> ConstructionError:
        return ConstructionError(
            f"{node.constructor!r} failed{self._at()}: {type(error).__name__}: {error}",
            where=node.span,
            frames=user_frames(error),
        )

    def _at(self) -> str:
        path = self.path
        return f" (at {path})" if path else ""


def _variable_hint(name: str, given: list[str]) -> str:
    close = nearest(name, given)
    if close:
        return f"did you mean {close!r}?"
    known = f"; given: {', '.join(given)}" if given else ""
    return f"pass a value, or write a default: !var {{ name: {name}, default: ... }}{known}"


def _locate(error: ForgatherError, span: Span | None) -> None:
    if error.where is None:
        error.where = span
