"""The canonical form and its digest: equal exactly when the meaning is."""

import os
import subprocess
import sys

import pytest

from forgather.errors import GraphError, Span
from forgather.graph import FactoryNode, MetaNode, PartialNode, SingletonNode, VarNode
from forgather.graph.canonical import canonical, digest


def test_order_of_keys_names_and_places_do_not_matter():
    def graph(flip, **more):
        shared = SingletonNode("x:y", [1], {"a": 1, "b": 2} if flip else {"b": 2, "a": 1}, **more)
        other = SingletonNode("x:y", [1], {"a": 1, "b": 2})
        entries = {"m": shared, "n": [shared, other], "o": other}
        return entries if flip else dict(reversed(entries.items()))

    assert digest(graph(True)) == digest(graph(False, identity="foo", span=Span("t", 1)))


def test_types_and_kinds_differ():
    values = [
        None, True, False, 0, 1, 1.0, -1, 0.0, -0.0, "1", "", "None", "true", [], (), {}, [[]],
        {"a": 1}, {"1": 1}, {1: 1}, [1, 2], [2, 1], (1, 2), float("inf"), float("nan"), "inf",
        ["float", "1.0"], ["list", 1], 10**5000,
        VarNode("x"), VarNode("x", None), VarNode("y"),
        SingletonNode("x"), FactoryNode("x"), PartialNode("x"), MetaNode("x"),
        SingletonNode("x", [1]), SingletonNode("x", [], {"a": 1}),
        SingletonNode("x", submodule_searchpath=["/a"]), SingletonNode("x", latent_args={"a": 1}),
    ]  # fmt: skip
    assert len({digest(value) for value in values}) == len(values)


def test_sharing_of_singletons_matters_and_of_copies_does_not():
    def pair(kind, shared):
        first = kind("x:y")
        return [first, first if shared else kind("x:y")]

    assert digest(pair(SingletonNode, True)) != digest(pair(SingletonNode, False))
    assert digest(pair(PartialNode, True)) != digest(pair(PartialNode, False))
    assert digest(pair(FactoryNode, True)) == digest(pair(FactoryNode, False))
    container = [1]
    assert digest([container, container]) == digest([[1], [1]])


def test_which_one_is_shared_matters():
    def graph(pick):
        both = [SingletonNode("x:y"), SingletonNode("x:y", [1])]
        return [*both, both[pick]]

    assert digest(graph(0)) != digest(graph(1))


class TestRoots:
    roots = {"ws": "/home/me/ws", "project": "/home/me/ws/p/", "other": "/data"}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("/home/me/ws/p/a.txt", "${project}/a.txt"),
            ("/home/me/ws/p", "${project}"),
            ("/home/me/ws/pp/a", "${ws}/pp/a"),
            ("/home/me/wsx", "/home/me/wsx"),
            ("see /data/x", "see /data/x"),
            ("${isotime}", "${isotime}"),
            ("${ws}/x", "$${ws}/x"),
            ("$${ws}", "$$${ws}"),
            ("${wsx}/x", "${wsx}/x"),
        ],
    )
    def test_paths_at_boundaries_of_the_longest_root(self, text, written):
        assert canonical(text, roots=self.roots) == written

    def test_specs_and_search_paths_too(self):
        node = SingletonNode("/data/m.py:X", submodule_searchpath=["/home/me/ws/p/src"])
        kind, constructor, rest = canonical(node, roots=self.roots)
        assert (kind, constructor) == ("singleton", "${other}/m.py:X")
        assert rest["searchpath"] == ["${project}/src"]

    def test_two_checkouts_have_one_digest(self):
        def at(place):
            node = SingletonNode("x:y", [f"{place}/data"], {"p": {f"{place}/key": 1}})
            return digest([node], roots={"ws": place})

        assert at("/home/a/ws") == at("/srv/b")


def test_replacing_nodes():
    cut = SingletonNode("x:y", [object()])
    graph = {"a": cut, "b": [cut], "c": SingletonNode("z")}
    data = canonical(graph, replace=lambda node: "DIGEST" if node is cut else None)
    assert data[1] == ["a", ["replaced", "DIGEST"]]
    assert data[2] == ["b", ["list", ["replaced", "DIGEST"]]]
    assert digest(graph, replace=lambda node: 1) != digest(graph, replace=lambda node: 2)


def test_what_is_no_graph():
    with pytest.raises(GraphError, match="unsupported type"):
        canonical({"a": object()})
    loop: list = []
    loop.append(loop)
    with pytest.raises(GraphError, match="refers to itself"):
        digest(loop)


SCRIPT = """
from forgather.graph import *
from forgather.graph.canonical import digest
a = SingletonNode("x:y", [1.5], {"k": VarNode("v", {"b", "a"} and [1])}, identity="n")
print(digest({"z": a, "y": {"q": a, "p": FactoryNode("l")}}))
"""


def test_the_digest_is_the_same_in_every_process():
    seen = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(seen) == 1


def test_the_digest_never_changes():
    """A new digest for an old graph rebuilds everybody's artifacts: raise the version on purpose."""
    graph = {"a": SingletonNode("x:y", [1, 2.5], {"k": "v"}), "b": VarNode("x", None)}
    assert digest(graph) == ("dbb1e0830c88d414d5cce0a781b73c505ec05dfb76e2a7454ad9d7714b6e886c")
