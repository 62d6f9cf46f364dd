"""Differences between graphs: kinds, paths, places, lists aligned by content, sharing."""

import math

import pytest

from forgather.errors import Span
from forgather.graph.compare import compare
from forgather.graph.nodes import FactoryNode, PartialNode, SingletonNode, VarNode


def changes(old, new):
    return [(c.kind, c.path, c.old, c.new) for c in compare(old, new, {}, {})]


def adamw(**kwargs):
    return PartialNode("torch.optim:AdamW", [], kwargs)


def test_equal_graphs_have_no_differences():
    def make():
        shared = SingletonNode("list", [[1, math.nan]])
        return {"a": shared, "b": [shared, adamw(lr=0.1)], "c": VarNode("x", 3)}

    assert changes(make(), make()) == []


def test_a_changed_argument_is_found_at_its_path():
    old, new = {"opt": {"inner": adamw(lr=0.1)}}, {"opt": {"inner": adamw(lr=0.2)}}
    assert changes(old, new) == [("changed", "opt.inner.lr", "0.1", "0.2")]


def test_added_and_removed_keys():
    old, new = {"a": 1, "b": adamw(x=1)}, {"a": 1, "c": {"k": 2, "l": 3}, "b": adamw(y=1)}
    assert changes(old, new) == [
        ("removed", "b.x", "1", None),
        ("added", "b.y", None, "1"),
        ("added", "c", None, "{k, l}"),
    ]


def test_the_order_of_keys_is_no_difference():
    assert changes({"a": 1, "b": 2}, {"b": 2, "a": 1}) == []


@pytest.mark.parametrize(("old", "new"), [(1, 1.0), (1, True), ("1", 1), (None, "None")])
def test_types_count(old, new):
    assert changes({"a": old}, {"a": new}) == [("changed", "a", repr(old), repr(new))]


def test_another_constructor_and_another_kind_of_node():
    old = {"a": PartialNode("torch.optim:SGD", [], {"lr": 1}), "b": SingletonNode("list")}
    new = {"a": PartialNode("torch.optim:Adam", [], {"lr": 1}), "b": FactoryNode("list")}
    assert changes(old, new) == [
        ("changed", "a", "!partial:torch.optim:SGD", "!partial:torch.optim:Adam"),
        ("changed", "b", "!call:list", "!factory:list"),
    ]


def test_an_item_put_in_front_is_one_addition():
    assert changes({"a": [1, 2, 3]}, {"a": [0, 1, 2, 3]}) == [("added", "a[0]", None, "0")]


def test_an_item_taken_out_of_the_middle_is_one_removal():
    items = [adamw(lr=1), adamw(lr=2), adamw(lr=3)]
    assert changes({"a": items}, {"a": [items[0], items[2]]}) == [
        ("removed", "a[1]", "!partial:torch.optim:AdamW", None)
    ]


def test_an_item_that_changed_is_compared_inside():
    old, new = {"a": [0, adamw(lr=1), 9]}, {"a": [0, adamw(lr=2), 9]}
    assert changes(old, new) == [("changed", "a[1].lr", "1", "2")]


def test_a_shared_node_is_reported_once():
    before, after = adamw(lr=1), adamw(lr=2)
    assert changes({"a": before, "b": before}, {"a": after, "b": after}) == [
        ("changed", "a.lr", "1", "2")
    ]


def test_sharing_that_ends_is_a_difference():
    one = SingletonNode("list")
    old = {"a": one, "b": one}
    new = {"a": SingletonNode("list"), "b": SingletonNode("list")}
    assert changes(old, new) == [("sharing", "b", "the same object as a", "an object of its own")]
    assert changes(new, old) == [("sharing", "b", "an object of its own", "the same object as a")]


def test_sharing_of_factories_means_nothing():
    one = FactoryNode("list")
    assert changes({"a": one, "b": one}, {"a": FactoryNode("list"), "b": FactoryNode("list")}) == []


def test_variables_and_their_defaults():
    assert changes({"a": VarNode("x", 1)}, {"a": VarNode("x", 2)}) == [
        ("changed", "a.default", "1", "2")
    ]
    assert changes({"a": VarNode("x")}, {"a": VarNode("y")}) == [
        ("changed", "a", "!var x", "!var y")
    ]


def test_a_node_in_place_of_a_value():
    assert changes({"a": 1}, {"a": SingletonNode("int", ["1"])}) == [
        ("changed", "a", "1", "!call:int")
    ]


def test_both_places_are_told():
    line = [Span("a.yaml", number) for number in range(4)]
    old = {"a": PartialNode("f", [], {"x": 1, "z": 1}, span=line[0], arg_spans={"x": line[1]})}
    new = {"a": PartialNode("f", [], {"x": 2, "z": 2}, span=line[2], arg_spans={"x": line[3]})}
    first, second = compare(old, new, {}, {"a.z": line[1]})
    assert (first.old_span, first.new_span) == (line[1], line[3])
    assert (second.old_span, second.new_span) == (line[0], line[1])  # the node, where nothing else


def test_the_same_line_reached_twice_is_one_change():
    place = Span("a.yaml", 3)
    spans = {"a.x": place, "b.x": place}
    (change,) = compare(
        {"a": {"x": 1}, "b": {"x": 1}}, {"a": {"x": 2}, "b": {"x": 2}}, spans, spans
    )
    assert (change.path, change.also) == ("a.x", ("b.x",))


def test_long_strings_show_where_they_part():
    start = "/a/long/way/to/the/place/where/all/of/the/models/are/kept/"
    ((_, _, old, new),) = changes({"a": start + "one"}, {"a": start + "two"})
    assert old.endswith("kept/one'")
    assert new.endswith("kept/two'")
