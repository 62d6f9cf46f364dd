"""Graphs as YAML: readable, and equal when parsed again."""

import math

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from forgather.codegen.yaml import to_yaml
from forgather.config import ConfigEnvironment
from forgather.errors import CodegenError
from forgather.graph import UNSET, FactoryNode, MetaNode, PartialNode, SingletonNode, VarNode
from forgather.graph.canonical import digest


@pytest.fixture(scope="module")
def parse():
    environment = ConfigEnvironment()
    return lambda text: environment.load_from_ppstring(text).config


def test_layout(parse):
    shared = SingletonNode("x:y", ["a"], {"k": [1, 2.5]}, identity="foo")
    graph = {
        "meta": "My config",
        "model": PartialNode(
            "a.b:C", [], {"part": shared, "lr": 1e-5, "v": VarNode("size", [True])}
        ),
        "other": [shared, FactoryNode("list"), None, {}],
    }
    text = to_yaml(graph)
    assert text == (
        "meta: My config\n"
        "\n"
        ".define: &foo !call:x:y@foo\n"
        "    arg0: a\n"
        "    k: [1, 2.5]\n"
        "model: !partial:a.b:C\n"
        "    part: *foo\n"
        "    lr: 1.0e-05\n"
        "    v: !var\n"
        "        name: size\n"
        "        default: [true]\n"
        "\n"
        "other:\n"
        "    - *foo\n"
        "    - !factory:list []\n"
        "    - null\n"
        "    - {}\n"
    )
    assert digest(parse(text)) == digest(graph)


def again(parse, graph):
    text = to_yaml(graph)
    assert digest(parse(text)) == digest(graph), text


@pytest.mark.parametrize(
    "leaf",
    [
        None, True, False, 0, -1, 10**30, 1e-5, 1e20, 1.5, -0.0, math.inf, -math.inf, math.nan,
        "", "yes", "null", "~", "1", "1e-5", "1.0", "012", "1:30", "2020-01-01", "a: b", "# x", "<<", "=", "-",
        "- a", "two\nlines\n", "tab\t", "é", "\U0001f600", "\x00", "\x85", "\u2028", "'", '"', "\\", "{{ x }}", "a,b",
        "[x]", "*a", "&a", "!x", "%", "@", "`", " lead", "trail ", ".5", "...", "---", "?", "on", "y", "n", "null ",
    ],
)  # fmt: skip
def test_leaves(parse, leaf):
    again(parse, {"leaf": leaf, "list": [leaf, leaf]})
    if isinstance(leaf, str):
        again(parse, {"d": {leaf: 1}})


def test_roots_of_all_kinds(parse):
    for root in (
        5,
        "text",
        None,
        [],
        [1, [2]],
        SingletonNode("list"),
        PartialNode("pow", [2]),
        SingletonNode("dict", [], {"a": 1}),
    ):
        again(parse, root)
    node = SingletonNode("list")
    again(parse, [node, [node]])
    again(parse, SingletonNode("x:y", [node, node], {"k": node}))


def test_arguments_of_all_forms(parse):
    again(
        parse,
        {
            "named like positional": SingletonNode("x:y", ["p"], {"arg0": 1, "argx": 2}),
            "args": SingletonNode("x:y", [], {"args": [1]}),
            "both": SingletonNode("x:y", [1], {"args": 1, "kwargs": {"a": 1}}),
            "mixed": SingletonNode("x:y", [1, [2]], {"a": 1}),
            "merge": SingletonNode("x:y", [], {"<<": 1, "=": 2}),
            "latent": PartialNode("x:y", [1], {"a": 2}, latent_args=VarNode("q", {"b": 1})),
            "path": FactoryNode(".m:X", [], {}, submodule_searchpath=["/a b", "/c"]),
            "file": SingletonNode("/some dir/é,[x].py:X.y", [1]),
            "meta": MetaNode("a:b", [{"k": VarNode("v")}]),
            "list": SingletonNode("named_list", [1, [2]], identity="l"),
            "tuple": SingletonNode("named_tuple", [1]),
            "dict": SingletonNode("named_dict", [], {"a": {"b": 1}}, identity="d"),
            "odd keys": SingletonNode(
                "named_dict", [], {"arg0": 1, "latent_args": 2, "<<": 3, 4: 5}
            ),
            "empty": [
                SingletonNode("named_list"),
                SingletonNode("named_tuple"),
                SingletonNode("named_dict"),
            ],
            "factory": FactoryNode("named_list", [1]),
        },
    )


def test_what_yaml_cannot_say():
    with pytest.raises(CodegenError, match="'@' begins"):
        to_yaml(SingletonNode("/a@b.py:X"))
    with pytest.raises(CodegenError, match="'arg0' together with latent_args: n"):
        to_yaml({"n": SingletonNode("x:y", [], {"arg0": 1}, latent_args={"a": 1})})
    with pytest.raises(CodegenError, match="no argument named 'constructor'"):
        to_yaml(SingletonNode("x:y", [], {"constructor": 1}))
    with pytest.raises(CodegenError, match="lone surrogate"):
        to_yaml("\ud800")


def test_private_entries_are_left_out_and_what_they_share_is_not():
    node = SingletonNode("list")
    assert to_yaml({".define": node, "a": node}) == "a: !call:list []\n"


def test_shared_containers_are_written_once():
    value: list = [0] * 9
    for _ in range(40):
        value = [value, value]
    assert len(to_yaml({"v": value})) < 10_000


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
names = st.sampled_from(["a", "b", "arg0", "args", "kwargs", "my-key", "x y", "<<", "class"])


@st.composite
def graphs(draw):
    pool = []

    def value():
        if pool and draw(st.integers(0, 3)):
            return draw(st.sampled_from(pool))
        return draw(leaves)

    def values():
        return [value() for _ in range(draw(st.integers(0, 3)))]

    def mapping():
        return {name: value() for name in draw(st.sets(names, max_size=3))}

    def node():
        kind = draw(st.sampled_from([SingletonNode, FactoryNode, PartialNode, MetaNode]))
        identity = f"n{len(pool)}" if draw(st.booleans()) else None
        return kind(draw(st.sampled_from(["list", "a.b:C", ".m:X"])), values(), mapping(), identity)

    def variable():
        return VarNode(draw(st.sampled_from("xyz")), value() if draw(st.booleans()) else UNSET)

    def container():
        return SingletonNode(*draw(st.sampled_from([("named_list", [1]), ("named_tuple", [])])))

    kinds = [values, mapping, node, node, variable, container]
    for _ in range(draw(st.integers(0, 10))):
        pool.append(draw(st.sampled_from(kinds))())
    return {f"t{index}": item for index, item in enumerate(pool)}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(graphs())
def test_any_graph_comes_back(parse, graph):
    again(parse, graph)
