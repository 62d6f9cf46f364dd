"""The traversal: order, paths, sharing, cycles, depth."""

import pytest

from forgather.errors import GraphError, Span
from forgather.graph import FactoryNode, PartialNode, SingletonNode, VarNode
from forgather.graph.walk import MAX_DEPTH, child_path, nodes, spans, walk


def paths(root):
    return [visit.path for visit in walk(root)]


def test_document_order_and_paths():
    graph = {
        "trainer": SingletonNode(
            "x:T", ["first"], {"args": {"callbacks": [1, FactoryNode("list")]}}
        ),
        "v": VarNode("n", default=(2,)),
    }
    assert paths(graph) == [
        "",
        "trainer",
        "trainer[0]",
        "trainer.args",
        "trainer.args.callbacks",
        "trainer.args.callbacks[0]",
        "trainer.args.callbacks[1]",
        "v",
        "v.default",
        "v.default[0]",
    ]


def test_shared_values_are_visited_once_at_their_first_path():
    shared = SingletonNode("list")
    container = [shared]
    graph = {"a": container, "b": [shared, container], "c": shared}
    assert paths(graph) == ["", "a", "a[0]", "b"]
    assert [path for path, _ in nodes(graph)] == ["a[0]"]


def test_latent_arguments_are_part_of_the_walk():
    node = PartialNode("x:y", latent_args={"q": 1})
    assert paths({"p": node}) == ["", "p", "p.latent_args", "p.latent_args.q"]


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("plain-key", "a.plain-key"),
        ("a.b", 'a["a.b"]'),
        ("two words", 'a["two words"]'),
        ("", 'a[""]'),
        ('say "x"', 'a["say \\"x\\""]'),
        (3, "a[3]"),
        (True, "a[True]"),
        (None, "a[None]"),
        (1.5, "a[1.5]"),
    ],
)
def test_keys_in_paths(key, path):
    assert child_path("a", key) == path


def test_a_cycle_is_refused_with_both_paths():
    inner: list = []
    inner.append({"back": inner})
    with pytest.raises(GraphError, match=r"top\[0\]\.back is top again") as caught:
        list(walk({"top": inner}))
    assert caught.value.code == "FG311"


def test_a_graph_that_is_too_deep_is_refused():
    deep: list = []
    for _ in range(MAX_DEPTH + 1):
        deep = [deep]
    with pytest.raises(GraphError, match="levels deep"):
        list(walk(deep))
    list(walk(deep[0]))


def test_spans_by_path():
    here, there = Span("a.yaml", 1), Span("a.yaml", 2)
    node = SingletonNode("x", [], {"k": 1}, span=here, arg_spans={"k": there})
    assert spans({"n": node}) == {"n": here, "n.k": there}
