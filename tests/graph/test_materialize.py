"""From graph to objects: sharing, laziness, variables, errors."""

import functools
import traceback

import pytest

from forgather.errors import (
    ConstructionError,
    DataError,
    GraphError,
    Interrupted,
    ResolveError,
    Span,
    TargetError,
    UnboundVarError,
)
from forgather.graph import FactoryNode, MetaNode, Node, PartialNode, SingletonNode, VarNode
from forgather.graph.materialize import materialize

HERE = Span("configs/a.yaml", 12)
ARGUMENT = Span("configs/a.yaml", 13)


def test_a_singleton_is_one_object():
    node = SingletonNode("dict", [], {"x": 1})
    made = materialize({"a": node, "b": [node]})
    assert made == {"a": {"x": 1}, "b": [{"x": 1}]}
    assert made["a"] is made["b"][0]


def test_a_factory_is_new_at_each_reference():
    node = FactoryNode("list")
    first, second = materialize([node, node])
    assert first == second == [] and first is not second


def test_a_partial_is_shared_and_its_arguments_are_made_once():
    node = PartialNode("dict", [], {"k": FactoryNode("list")})
    first, second = materialize([node, node])
    assert first is second
    assert first()["k"] is first()["k"]


def test_a_partial_without_arguments_is_its_constructor():
    assert materialize({"p": PartialNode("pow")})["p"] is pow


def test_plain_containers_are_copied_and_the_nodes_inside_are_not():
    inner = SingletonNode("list")
    shared = [inner]
    made = materialize({"a": shared, "b": shared})
    assert made["a"] is not made["b"]
    assert made["a"][0] is made["b"][0]


def test_nothing_is_kept_between_calls():
    graph = {"a": SingletonNode("dict", [], {"x": VarNode("v")})}
    assert materialize(graph, variables={"v": 1}) == {"a": {"x": 1}}
    assert materialize(graph, variables={"v": 2}) == {"a": {"x": 2}}


def test_a_result_of_none_is_made_once_too():
    calls = []
    node = SingletonNode("x:y")
    materialize([node, node], resolver=lambda spec, path: lambda: calls.append(spec))
    assert calls == ["x:y"]


def test_container_nodes():
    graph = [
        SingletonNode("named_list", [1, 2]),
        SingletonNode("named_tuple", [1, 2]),
        SingletonNode("named_dict", [], {"a": 1, 2: 3}),
        (1, [2]),
    ]
    assert materialize(graph) == [[1, 2], (1, 2), {"a": 1, 2: 3}, (1, [2])]


def test_a_meta_node_gets_its_arguments_as_graph():
    inner = SingletonNode("no_such:thing")
    made = materialize(MetaNode("dict", [], {"node": inner, "more": [inner]}))
    assert made["node"] is inner and made["more"] == [inner]


class TestTargets:
    graph = {  # noqa: RUF012
        "b": SingletonNode("no_such:thing"),
        "a": SingletonNode("list"),
        "c": {"deep": 1},
    }

    def test_only_what_is_asked_is_built(self):
        assert materialize(self.graph, "a") == []
        assert materialize(self.graph, ["c", "a"]) == {"a": [], "c": {"deep": 1}}

    def test_in_the_order_of_the_document(self):
        assert list(materialize(self.graph, ["c", "a", "c"])) == ["a", "c"]

    def test_targets_of_one_call_share(self):
        node = SingletonNode("list")
        made = materialize({"m": {"k": node}, "n": {"k": node}}, ["m", "n"])
        assert made["m"]["k"] is made["n"]["k"]

    @pytest.mark.parametrize("targets", ["cc", ["a", "cc"]])
    def test_an_unknown_target(self, targets):
        with pytest.raises(TargetError, match="no target 'cc'") as caught:
            materialize(self.graph, targets)
        assert caught.value.hint

    def test_a_root_that_is_no_mapping(self):
        with pytest.raises(TargetError, match="not a mapping"):
            materialize([1], "a")


class TestVariables:
    def test_given_before_default(self):
        node = VarNode("x", 3)
        assert materialize(node) == 3
        assert materialize(node, variables={"x": None}) is None

    def test_none_is_a_default(self):
        assert materialize([VarNode("x", None)]) == [None]

    def test_a_default_may_hold_nodes(self):
        node = SingletonNode("dict", [], {"a": 1})
        made = materialize({"n": node, "v": VarNode("y", node), "w": VarNode("z", [node])})
        assert made["v"] is made["n"] and made["w"][0] is made["n"]

    def test_a_default_with_nodes_is_not_built_when_the_value_is_given(self):
        node = VarNode("y", SingletonNode("no_such:thing"))
        assert materialize(node, variables={"y": 1}) == 1

    def test_a_variable_has_one_value(self):
        first, second, other = materialize([VarNode("x", []), VarNode("x", []), VarNode("y", [])])
        assert first is second and first is not other

    def test_a_missing_value(self):
        with pytest.raises(UnboundVarError, match=r"'lr' has no value \(at opt.lr\)") as caught:
            materialize(
                {"opt": SingletonNode("dict", [], {"lr": VarNode("lr", span=HERE)})},
                variables={"lrr": 1, "steps": 2},
            )
        assert caught.value.where == HERE
        assert caught.value.hint == "did you mean 'lrr'?"
        assert isinstance(caught.value, NameError)


class TestLatentArguments:
    def test_they_win_over_keywords(self):
        node = SingletonNode("dict", [], {"x": 1}, latent_args={"x": 2, "y": 3})
        assert materialize(node) == {"x": 2, "y": 3}

    def test_an_overridden_keyword_is_not_built(self):
        node = SingletonNode(
            "dict", [], {"x": SingletonNode("no_such:thing")}, latent_args={"x": 2}
        )
        assert materialize(node) == {"x": 2}

    def test_from_a_variable(self):
        node = SingletonNode("dict", [], {"x": 1}, latent_args=VarNode("q", {"y": 2}))
        assert materialize(node) == {"x": 1, "y": 2}
        assert materialize(node, variables={"q": {"x": 5}}) == {"x": 5}
        with pytest.raises(GraphError, match="latent_args must be a mapping"):
            materialize(node, variables={"q": 3})


class TestOverridesAndResolver:
    def test_an_override_stands_in_and_nothing_below_is_built(self):
        node = SingletonNode("no_such:thing", [SingletonNode("also:missing")])
        ready = object()
        made = materialize({"a": node, "b": [node]}, overrides={id(node): ready})
        assert made["a"] is made["b"][0] is ready

    def test_the_resolver_is_asked_for_everything(self):
        asked = []

        def resolver(spec, searchpath):
            asked.append((spec, searchpath))
            return lambda *args: args

        node = SingletonNode("a:b", [FactoryNode("c:d")], submodule_searchpath=["/x"])
        assert materialize(node, resolver=resolver) == ((),)
        assert asked == [("c:d", ()), ("a:b", ("/x",))]

    def test_arguments_are_made_before_the_constructor_is_imported(self, tmp_path):
        path = tmp_path / "late.py"
        writer = SingletonNode(
            "forgather.graph.natives:call", [path.write_text, "def f(n): return n"]
        )
        assert materialize(SingletonNode(f"{path}:f", [writer])) == len("def f(n): return n")


class TestCallingNodes:
    def test_a_root_partial_is_called(self):
        assert PartialNode("pow", [2])(3) == 8
        assert PartialNode("dict", [], {"a": VarNode("v")})(context_vars={"v": 1}, b=2) == {
            "a": 1,
            "b": 2,
        }

    def test_other_nodes_take_variables(self):
        assert SingletonNode("dict", [], {"a": VarNode("v")})(v=4) == {"a": 4}
        with pytest.raises(TypeError):
            SingletonNode("dict")(3)


def test_a_cycle_is_refused_with_its_path():
    node = SingletonNode("dict")
    node.kwargs["again"] = [node]
    with pytest.raises(GraphError, match=r"m.again\[0\] is m again"):
        materialize({"m": node})
    materialize({"m": node, "fine": 1}, "fine")


class TestConstructionErrors:
    def test_the_users_exception_is_chained_with_its_traceback(self, tmp_path):
        path = tmp_path / "broken.py"
        path.write_text("def inner(x):\n    raise KeyError(x)\n\ndef build(x):\n    inner(x)\n")
        node = SingletonNode(f"{path}:build", ["lost"], span=HERE)
        with pytest.raises(ConstructionError, match=r"KeyError: 'lost'") as caught:
            materialize({"main": [1, node]})
        assert caught.value.where == HERE
        assert "(at main[1])" in str(caught.value)
        cause = caught.value.__cause__
        assert isinstance(cause, KeyError)
        frames = traceback.extract_tb(cause.__traceback__)
        assert (frames[-1].filename, frames[-1].lineno) == (str(path), 2)

    def test_an_unknown_keyword(self):
        node = SingletonNode(
            "fractions:Fraction", [], {"numeratr": 1}, span=HERE, arg_spans={"numeratr": ARGUMENT}
        )
        with pytest.raises(
            ConstructionError, match=r"has no argument 'numeratr' \(at f\)"
        ) as caught:
            materialize({"f": node})
        assert caught.value.where == ARGUMENT
        assert caught.value.hint == "did you mean 'numerator'?"
        assert caught.value.code == "FG308"

    def test_missing_and_too_many_arguments(self):
        with pytest.raises(ConstructionError, match="is missing the argument 's'") as caught:
            materialize(SingletonNode("json:loads", span=HERE))
        assert "its arguments: s" in caught.value.hint and caught.value.where == HERE
        with pytest.raises(ConstructionError, match="takes 1 positional argument, 2 given"):
            materialize(SingletonNode("json:loads", ["1", "2"]))
        with pytest.raises(ConstructionError, match="gets the argument 's' twice"):
            materialize(SingletonNode("json:loads", ["1"], {"s": "2"}))

    def test_a_type_error_from_inside_is_told_as_such(self):
        with pytest.raises(ConstructionError, match="TypeError: the JSON object must be"):
            materialize(SingletonNode("json:loads", [5]))

    def test_what_does_not_resolve_has_a_place(self):
        with pytest.raises(ResolveError) as caught:
            materialize({"a": SingletonNode("os.path:jion", span=HERE)})
        assert caught.value.where == HERE
        assert "'join'" in caught.value.hint

    def test_what_is_not_callable(self):
        with pytest.raises(ResolveError, match=r"'os:sep' is not callable: it is a str \(at a\)"):
            materialize({"a": SingletonNode("os:sep", span=HERE)})

    @pytest.mark.parametrize("kind", [DataError, Interrupted])
    def test_our_own_errors_pass_through_with_a_place(self, kind):
        def build():
            raise kind("stop")

        with pytest.raises(kind) as caught:
            materialize(SingletonNode("x:y", span=HERE), resolver=lambda *_: build)
        assert caught.value.where == HERE

    def test_interrupts_are_not_touched(self):
        def build():
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            materialize(SingletonNode("x:y"), resolver=lambda *_: build)


def test_a_partial_binds_positional_and_keyword_arguments():
    made = materialize([PartialNode("int", ["ff"], {"base": 16})])[0]
    assert isinstance(made, functools.partial)
    assert made() == 255


def test_a_bound_call_is_the_function_bound():
    function = PartialNode("pow", [2])
    made = materialize(
        [function, PartialNode("call", [function]), PartialNode("call", [function, 3])]
    )
    assert made[0] is made[1]
    assert made[2]() == 8
    with pytest.raises(ConstructionError, match="must be callable"):
        materialize(PartialNode("call", [5, 6]))


def test_nodes_know_their_names():
    assert repr(SingletonNode("x:y", identity="foo")) == "<SingletonNode x:y@foo>"
    assert repr(VarNode("x")) == "<VarNode x>"
    assert isinstance(MetaNode("x"), SingletonNode) and isinstance(VarNode("x"), Node)
