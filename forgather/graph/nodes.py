"""The nodes of a parsed config: how objects are made, as data.

A graph is plain data (dict, list, tuple, str, int, float, bool, None) in which some values are nodes.
A node says what would be called and with what; it never holds what came out. Materializing keeps its
results in the call that asked for them (:mod:`forgather.graph.materialize`), so one graph may be
materialized any number of times. Sharing is Python identity: the same node object in two places is
the same thing, and two equal nodes are two things. For plain containers identity means nothing: each
reference gets its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from forgather.errors import Span


class _Unset:
    """The type of :data:`UNSET`: "no default", which is not the same as a default of None."""

    _instance: _Unset | None = None

    def __new__(cls) -> _Unset:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()

ArgKey = str | int


class Node:
    """Base of all nodes; compared and hashed by identity.

    identity: the explicit ``@name``, for people and generated code; it never changes what is built.
    span: where the node stands in the user's template.
    arg_spans: the place of each keyword (by name) and of each positional argument (by index).
    """

    __slots__ = ("__weakref__", "arg_spans", "identity", "span")

    def __init__(
        self,
        *,
        identity: str | None = None,
        span: Span | None = None,
        arg_spans: Mapping[ArgKey, Span] | None = None,
    ) -> None:
        self.identity = identity
        self.span = span
        self.arg_spans: dict[ArgKey, Span] = dict(arg_spans or {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Materialize this node alone; a partial is also called, with the given arguments.

        For any other node, keywords are the values of variables.
        """
        # The one upward import of this package: `node()` is part of the promised interface.
        from forgather.graph.materialize import call

        return call(self, *args, **kwargs)


class VarNode(Node):
    """``!var``: a value given when the graph is materialized; ``default`` may contain nodes."""

    __slots__ = ("default", "name")

    def __init__(
        self,
        name: str,
        default: Any = UNSET,
        *,
        identity: str | None = None,
        span: Span | None = None,
        arg_spans: Mapping[ArgKey, Span] | None = None,
    ) -> None:
        super().__init__(identity=identity, span=span, arg_spans=arg_spans)
        self.name = name
        self.default = default

    def __repr__(self) -> str:
        return f"<VarNode {self.name}>"


class CallableNode(Node):
    """A call to be made: an import spec and its arguments.

    submodule_searchpath: directories in which relative imports are looked up.
    latent_args: a mapping (or a node that yields one) merged over the keywords.
    """

    __slots__ = ("args", "constructor", "kwargs", "latent_args", "submodule_searchpath")

    def __init__(
        self,
        constructor: str,
        args: Iterable[Any] = (),
        kwargs: Mapping[Any, Any] | None = None,
        identity: str | None = None,
        submodule_searchpath: Sequence[str] = (),
        latent_args: Mapping[str, Any] | Node | None = None,
        *,
        span: Span | None = None,
        arg_spans: Mapping[ArgKey, Span] | None = None,
    ) -> None:
        super().__init__(identity=identity, span=span, arg_spans=arg_spans)
        self.constructor = constructor
        self.args: list[Any] = list(args)
        self.kwargs: dict[Any, Any] = dict(kwargs or {})
        self.submodule_searchpath: tuple[str, ...] = tuple(submodule_searchpath)
        self.latent_args = latent_args

    def __repr__(self) -> str:
        # Shallow on purpose: arguments may be shared many times over, or lead back here.
        name = f"@{self.identity}" if self.identity else ""
        return f"<{type(self).__name__} {self.constructor}{name}>"


class SingletonNode(CallableNode):
    """``!singleton``, ``!call``: one object, however often it is referenced."""

    __slots__ = ()


class FactoryNode(CallableNode):
    """``!factory``: a new object at every reference."""

    __slots__ = ()


class PartialNode(CallableNode):
    """``!partial``: a callable with bound arguments."""

    __slots__ = ()


class MetaNode(SingletonNode):
    """``!meta``: a singleton whose constructor gets its arguments as graph, not materialized."""

    __slots__ = ()


CONTAINER_CONSTRUCTORS: Final = frozenset({"named_list", "named_tuple", "named_dict"})
