"""Compiled graphs: exact round trips, spans from outside, refusals."""

import math

import pytest

from forgather.errors import ConstructionError, GraphError, Span
from forgather.graph import UNSET, FactoryNode, MetaNode, PartialNode, SingletonNode, VarNode
from forgather.graph.canonical import digest
from forgather.graph.materialize import materialize
from forgather.graph.serial import dumps, loads
from forgather.graph.walk import spans


def test_leaves_survive_exactly():
    leaves = [
        None,
        True,
        1,
        1.0,
        -0.0,
        1e-5,
        math.inf,
        -math.inf,
        "x\n\u2028",
        "\ud800",
        10**5000,
        (1, ()),
    ]
    back = loads(dumps(leaves))
    assert back == leaves
    assert [type(value) for value in back] == [type(value) for value in leaves]
    assert math.copysign(1, back[4]) == -1
    assert math.isnan(loads(dumps(math.nan)))


def test_all_of_a_node_survives():
    node = SingletonNode(
        "x:y",
        [1, VarNode("v", identity="w"), VarNode("u", (2,))],
        {"a": [FactoryNode("f")], "b": {1: 2, None: 3}},
        identity="foo",
        submodule_searchpath=["/a", "/b"],
        latent_args={"q": PartialNode("p")},
    )
    back = loads(dumps(node))
    assert (back.constructor, back.identity) == ("x:y", "foo")
    assert back.submodule_searchpath == ("/a", "/b")
    assert (back.args[1].name, back.args[1].identity, back.args[1].default) == ("v", "w", UNSET)
    assert back.args[2].default == (2,)
    assert list(back.kwargs["b"].items()) == [(1, 2), (None, 3)]
    assert type(back.kwargs["a"][0]) is FactoryNode
    assert type(back.latent_args["q"]) is PartialNode
    assert type(loads(dumps(MetaNode("m")))) is MetaNode
    assert digest(back) == digest(node)


def test_sharing_survives():
    node, container = SingletonNode("list"), [1]
    back = loads(dumps({"a": node, "b": [node, container], "c": container}))
    assert back["a"] is back["b"][0]
    assert back["c"] is back["b"][1]


def test_the_text_does_not_grow_with_the_expansion():
    value: list = [0]
    for _ in range(60):
        value = [value, value]
    assert len(dumps(value)) < 10_000


def test_order_of_keys_survives():
    assert list(loads(dumps({"b": 1, "a": 2}))) == ["b", "a"]


def test_roots_may_move():
    graph = {
        "p": "/ws/p/data",
        "n": SingletonNode("/ws/m.py:X", submodule_searchpath=["/ws/src"]),
        "l": "${ws}/x",
    }
    text = dumps(graph, roots={"ws": "/ws"})
    assert "/ws" not in text
    back = loads(text, roots={"ws": "/elsewhere", "more": "/ws"})
    assert back["p"] == "/elsewhere/p/data"
    assert back["n"].constructor == "/elsewhere/m.py:X"
    assert back["n"].submodule_searchpath == ("/elsewhere/src",)
    assert back["l"] == "${ws}/x"
    with pytest.raises(GraphError, match="needs the directory of ws"):
        loads(text)


def test_places_come_from_outside():
    graph = {
        "a": SingletonNode(
            "json:loads", [5], {}, span=Span("t.yaml", 4), arg_spans={0: Span("t.yaml", 5)}
        )
    }
    text = dumps(graph)
    assert "t.yaml" not in text
    back = loads(text, spans=spans(graph))
    assert back["a"].span == Span("t.yaml", 4)
    assert back["a"].arg_spans == {0: Span("t.yaml", 5)}
    with pytest.raises(ConstructionError) as caught:
        materialize(back)
    assert caught.value.where == Span("t.yaml", 4)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', "null"])
def test_what_is_no_compiled_graph(text):
    with pytest.raises(GraphError, match=r"not a compiled graph|schema 99"):
        loads(text)
