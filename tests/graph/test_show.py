"""The indented dump."""

import io

import pytest

from forgather import config
from forgather.errors import GraphError
from forgather.graph import MetaNode, PartialNode, SingletonNode, VarNode
from forgather.graph.show import fconfig, pconfig


def test_keys_are_sorted_and_sharing_is_shown():
    shared = SingletonNode("x:y", ["p"], {"b": 1, "a": [2]}, identity="foo")
    graph = {
        "z": shared,
        "a": [shared, VarNode("n"), VarNode("m", 3)],
        "e": {},
        "m": MetaNode("x:m", latent_args={"q": 1}),
        "p": PartialNode("torch.optim:AdamW"),
    }
    assert fconfig(graph) == (
        "a:\n"
        "    - !singleton:x:y@foo\n"
        "        - 'p'\n"
        "        a:\n"
        "            - 2\n"
        "        b: 1\n"
        "    - !var n (required)\n"
        "    - !var m\n"
        "        default: 3\n"
        "e: {}\n"
        "m: !meta:x:m\n"
        "    latent_args:\n"
        "        q: 1\n"
        "p: !partial:torch.optim:AdamW\n"
        "z: *a[0]"
    )


def test_leaf_root_and_printing():
    assert fconfig(5) == "5"
    out = io.StringIO()
    pconfig([1], file=out)
    assert out.getvalue() == "- 1\n"
    assert (config.fconfig, config.pconfig) == (fconfig, pconfig)


def test_a_cycle_is_refused():
    loop: list = []
    loop.append(loop)
    with pytest.raises(GraphError):
        fconfig(loop)
