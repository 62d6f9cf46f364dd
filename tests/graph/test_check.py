"""The checks that need no import."""

import datetime

import pytest

from forgather.errors import DuplicateNameError, GraphError, Span
from forgather.graph import FactoryNode, SingletonNode, VarNode
from forgather.graph.check import MAX_EXPANDED, check, expanded_size, problems


def test_a_sound_graph_passes():
    check(
        {"a": SingletonNode("x:y", [1, (2.0, None)], {"k": True}, identity="a"), 3: "x", None: []}
    )


def test_a_named_node_may_be_shared():
    node = SingletonNode("x:y", identity="foo")
    check([node, node])


def test_two_nodes_of_one_name():
    first = SingletonNode("x:y", identity="foo", span=Span("t.yaml", 3))
    second = FactoryNode("x:z", identity="foo", span=Span("t.yaml", 9))
    with pytest.raises(DuplicateNameError, match=r"'foo': a \(t.yaml:3\) and b.k") as caught:
        check({"a": first, "b": {"k": second}})
    assert caught.value.where == Span("t.yaml", 9)


def test_a_leaf_of_another_type_names_the_argument():
    place = Span("t.yaml", 7)
    node = SingletonNode("x:y", [], {"when": datetime.date(2020, 1, 1)}, arg_spans={"when": place})
    with pytest.raises(GraphError, match=r"unsupported type 'date'.*n\.when") as caught:
        check({"n": node})
    assert caught.value.where == place
    assert caught.value.code == "FG301"
    assert "quote it" in caught.value.hint


def test_a_key_of_another_type():
    with pytest.raises(GraphError, match="of the key"):
        check({(1, 2): 3})


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (SingletonNode("x:y", [], {1: 2}), "must be a string, not 1"),
        (SingletonNode("x:y", submodule_searchpath=[3]), "must be a list of directories"),
        (SingletonNode("x:y", latent_args=5), "must be a mapping or a variable"),
        (VarNode(""), "name of a variable"),
    ],
)
def test_odd_nodes(node, message):
    with pytest.raises(GraphError, match=message):
        check({"n": node})


def test_the_keys_of_a_dict_node_may_be_numbers():
    check(SingletonNode("named_dict", [], {1: 2}))


def test_all_problems_are_reported():
    assert len(list(problems([{1, 2}, SingletonNode("x:y", [object()])]))) == 2


def test_a_few_aliases_must_not_stand_for_billions_of_values():
    value: list = [0] * 10
    for _ in range(12):
        value = [value] * 10
    assert expanded_size(value) > MAX_EXPANDED
    with pytest.raises(GraphError, match="stands for") as caught:
        check(value)
    assert caught.value.code == "FG313"


def test_shared_nodes_do_not_count_twice():
    value = SingletonNode("named_list", [0] * 10)
    for _ in range(30):
        value = SingletonNode("named_list", [value] * 10)
    check(value)
