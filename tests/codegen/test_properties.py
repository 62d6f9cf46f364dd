"""Random graphs: generated code and compiled graphs mean what the graph means."""

import functools
import math
import sys
import types
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, note, settings

from forgather.codegen.python import generate, generate_code
from forgather.graph import (
    UNSET,
    FactoryNode,
    MetaNode,
    Node,
    PartialNode,
    SingletonNode,
    VarNode,
)
from forgather.graph.canonical import canonical, digest
from forgather.graph.check import check, expanded_size
from forgather.graph.materialize import materialize
from forgather.graph.serial import dumps, loads
from forgather.graph.walk import edges

MODULE = "forgather_property_parts"


class Thing:
    """Remembers what it was made with."""

    def __init__(self, *args, **kwargs):
        self.made_with = [list(args), kwargs]

    @classmethod
    def other(cls, *args, **kwargs):
        return cls("other", *args, **kwargs)


@pytest.fixture(autouse=True, scope="module")
def parts():
    module = types.ModuleType(MODULE)
    module.Thing = module.max = module.construct = Thing
    sys.modules[MODULE] = module
    yield
    del sys.modules[MODULE]


SPECS = [f"{MODULE}:Thing", f"{MODULE}:Thing.other", f"{MODULE}:max", f"{MODULE}:construct"]
NAMES = [
    "a",
    "b",
    "max",
    "class",
    "my-key",
    "arg0",
    "args",
    "kwargs",
    "partial",
    "Thing",
    "x y",
    "é",
    "",
]
IDENTITIES = ["a", "foo", "max", "class", "my-node", "Thing", "partial", "alpha_", "construct", "1"]

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        ["", "two\nlines", "${x}", "yes", "1e-5", "null", "'\"", "{{ a }}", "\\n", "- x", "#"]
    ),
)
keys = st.one_of(st.sampled_from(NAMES), st.integers(-2, 2), st.none(), st.text(max_size=3))


class Drawn:
    """A graph in the making: later values may refer to earlier ones."""

    def __init__(self, draw: Any, *, tuples: bool, metas: bool) -> None:
        self.draw = draw
        self.pool: list[Any] = []
        self.identities = list(draw(st.permutations(IDENTITIES)))
        self.defaults: dict[str, Any] = {}
        self.kinds = ["dict", "list", "node", "node", "node", "node", "native", "var"]
        self.kinds += ["tuple"] * tuples + ["meta"] * metas

    def value(self) -> Any:
        if self.pool and self.draw(st.integers(0, 3)):
            return self.draw(st.sampled_from(self.pool))
        return self.draw(leaves)

    def values(self, limit: int) -> list[Any]:
        return [self.value() for _ in range(self.draw(st.integers(0, limit)))]

    def keywords(self) -> dict[str, Any]:
        return {
            name: self.value() for name in self.draw(st.sets(st.sampled_from(NAMES), max_size=3))
        }

    def identity(self) -> str | None:
        return (
            self.identities.pop() if self.identities and self.draw(st.integers(0, 3)) == 0 else None
        )

    def grow(self) -> None:
        kind = self.draw(st.sampled_from(self.kinds))
        self.pool.append(getattr(self, f"a_{kind}")())

    def a_list(self) -> Any:
        return self.values(10)

    def a_tuple(self) -> Any:
        return tuple(self.values(3))

    def a_dict(self) -> Any:
        return {key: self.value() for key in self.draw(st.sets(keys, max_size=3))}

    def a_node(self) -> Any:
        kind = self.draw(st.sampled_from([SingletonNode, FactoryNode, PartialNode]))
        latent = self.draw(st.sampled_from([None, None, None, {"a": 1, "b c": [2]}, "var"]))
        if latent == "var":
            latent = VarNode("latent", {"a": 3})
        spec = self.draw(st.sampled_from(SPECS))
        return kind(spec, self.values(3), self.keywords(), self.identity(), latent_args=latent)

    def a_native(self) -> Any:
        spec = self.draw(st.sampled_from(["named_list", "named_tuple", "named_dict"]))
        kind = self.draw(st.sampled_from([SingletonNode, FactoryNode]))
        if spec == "named_dict":
            return kind(spec, [], self.a_dict(), self.identity())
        return kind(spec, self.values(4), {}, self.identity())

    def a_meta(self) -> Any:
        return MetaNode(SPECS[0], self.values(2), self.keywords(), self.identity())

    def a_var(self) -> Any:
        name = self.draw(st.sampled_from(["x", "y", "max", "partial", "Thing", "foo"]))
        if name not in self.defaults:
            self.defaults[name] = self.value() if self.draw(st.booleans()) else UNSET
        return VarNode(name, self.defaults[name])


@st.composite
def graphs(draw, tuples=True, metas=True):
    drawn = Drawn(draw, tuples=tuples, metas=metas)
    for _ in range(draw(st.integers(0, 12))):
        drawn.grow()
    return (
        {f"t{index}": value for index, value in enumerate(drawn.pool)}
        if drawn.pool
        else drawn.value()
    )


def given_values(graph):
    """A value for each variable without a default."""
    found, seen, stack = {}, set(), [graph]
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, VarNode) and value.default is UNSET:
            found[value.name] = ["given", value.name]
        stack.extend(child for _, child in edges(value))
    return found


class Same:
    """Equal structures with equal sharing: a one-to-one map between their mutable objects."""

    def __init__(self):
        self.there: dict[int, Any] = {}
        self.back: dict[int, Any] = {}

    def same(self, one, two, path="root"):
        assert type(one) is type(two), path
        if isinstance(one, float):
            if not (math.isnan(one) and math.isnan(two)):
                assert one == two and math.copysign(1, one) == math.copysign(1, two), path
        elif isinstance(one, tuple):
            self.each(one, two, path)
        elif isinstance(one, VarNode):
            assert digest(one) == digest(two), path  # its identity means nothing
        elif isinstance(one, (list, dict, Thing, functools.partial, Node)):
            self.shared(one, two, path)
        else:
            assert one == two, path

    def shared(self, one, two, path):
        if id(one) in self.there or id(two) in self.back:
            assert (
                self.there.get(id(one)) is two and self.back.get(id(two)) is one
            ), f"sharing: {path}"
            return
        self.there[id(one)], self.back[id(two)] = two, one
        if isinstance(one, list):
            self.each(one, two, path)
        elif isinstance(one, dict):
            self.each(list(one.keys()), list(two.keys()), f"{path} keys")
            self.each(list(one.values()), list(two.values()), path)
        elif isinstance(one, Thing):
            self.each(one.made_with[0], two.made_with[0], path)
            self.entries(one.made_with[1], two.made_with[1], path)
        elif isinstance(one, functools.partial):
            assert one.func == two.func, path
            self.each(one.args, two.args, path)
            self.entries(one.keywords, two.keywords, path)
        else:
            assert digest(one) == digest(two), path

    def each(self, one, two, path):
        assert len(one) == len(two), path
        for index, (first, second) in enumerate(zip(one, two, strict=True)):
            self.same(first, second, f"{path}[{index}]")

    def entries(self, one, two, path):
        assert list(one) == list(two), path
        for key in one:
            self.same(one[key], two[key], f"{path}.{key}")


def expanded(graph):
    """Whether the graph is small enough to be built."""
    return expanded_size(graph) < 5_000


quick = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@quick
@given(graphs().filter(expanded), st.sampled_from(["named", "required", "all"]))
def test_running_the_code_is_materializing(graph, policy):
    check(graph)
    variables = given_values(graph)
    source = generate_code(graph, name_policy=policy)
    scope: dict[str, Any] = {}
    exec(compile(source, "<generated>", "exec"), scope)
    needed = scope["construct"].__code__.co_varnames[: scope["construct"].__code__.co_argcount]
    made = scope["construct"](**{name: variables[name] for name in needed if name in variables})
    note(source)
    Same().same(materialize(graph, variables=variables), made)


@settings(quick, max_examples=25)
@given(graphs().filter(expanded))
def test_formatting_changes_nothing(graph):
    generated = generate(graph)
    formatted = generated.formatted()
    scope: dict[str, Any] = {}
    exec(compile(formatted.source, "<formatted>", "exec"), scope)
    assert formatted.formatted().source == formatted.source
    assert {origin.path for origin in formatted.lines.values()} <= {
        origin.path for origin in generated.lines.values()
    }


@quick
@given(graphs())
def test_code_is_deterministic(graph):
    assert generate_code(graph) == generate_code(loads(dumps(graph)))


@quick
@given(graphs(), st.sampled_from([None, {"r": "/a", "x": "$"}]))
def test_compiled_graphs_come_back(graph, roots):
    text = dumps(graph, roots=roots)
    back = loads(text, roots=roots)
    Same().same(graph_shape(graph), graph_shape(back))
    assert dumps(back, roots=roots) == text
    assert digest(back) == digest(graph)


def graph_shape(value, memo=None):
    """The graph with its nodes as dicts, sharing kept, so that every field is compared."""
    memo = {} if memo is None else memo
    if id(value) in memo:
        return memo[id(value)][1]
    if isinstance(value, VarNode):
        shape = {"var": value.name, "identity": value.identity, "set": value.default is not UNSET}
        shape["default"] = graph_shape(value.default, memo) if value.default is not UNSET else None
    elif isinstance(value, Node):
        fields = (
            "constructor",
            "args",
            "kwargs",
            "identity",
            "submodule_searchpath",
            "latent_args",
        )
        shape = {"kind": type(value).__name__}
        shape |= {name: graph_shape(getattr(value, name), memo) for name in fields}
    elif isinstance(value, dict):
        shape = {key: graph_shape(item, memo) for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        shape = type(value)(graph_shape(item, memo) for item in value)
    else:
        return value
    memo[id(value)] = (value, shape)  # the value too: its id must stay taken
    return shape


def turned(value, memo):
    """The same graph with all keys in the opposite order."""
    if id(value) in memo:
        return memo[id(value)][1]
    if isinstance(value, dict):
        made = {key: turned(item, memo) for key, item in reversed(value.items())}
    elif isinstance(value, (list, tuple)):
        made = type(value)(turned(item, memo) for item in value)
    elif isinstance(value, VarNode):
        made = VarNode(value.name, turned(value.default, memo))
    elif isinstance(value, Node):
        made = type(value)(
            value.constructor,
            turned(value.args, memo),
            turned(value.kwargs, memo),
            latent_args=turned(value.latent_args, memo),
        )
    else:
        return value
    memo[id(value)] = (value, made)
    return made


@quick
@given(graphs().filter(expanded))
def test_canonical_is_blind_to_order_and_names(graph):
    assert canonical(turned(graph, {})) == canonical(graph)
    assert digest(turned(graph, {})) == digest(graph)
