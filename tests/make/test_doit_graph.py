"""``doit graph``: states, groups and patterns, and that its forms are what others read."""

import json
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from doit.task import Task

from forgather.make.front.graph import FORMATS, reach, tops


class Artifact(SimpleNamespace):
    def verdict(self):
        return SimpleNamespace(is_current=self.is_current)


def ours(name, *deps, is_current=True):
    return Task(name, None, task_dep=list(deps), meta={"artifact": Artifact(is_current=is_current)})


@pytest.fixture
def tasks():
    found = [
        ours("pp:a"),
        ours("pp:b", is_current=False),
        ours("model:b", "pp:b"),
        ours("train:b", "model:b", "pp:a"),
        Task("model:same", None, task_dep=["model:b"], meta={"alias": True}),
        Task("own", None, task_dep=["pp", "model:*"]),
        Task("pp", None, has_subtask=True, task_dep=["pp:a", "pp:b"]),
        Task('odd "name" #1', None),
    ]
    return {task.name: task for task in found}


def test_states(tasks):
    nodes = reach(tasks, list(tasks))
    assert {name: node.state for name, node in nodes.items()} == {
        "pp:a": "current",
        "pp:b": "run",
        "model:b": "wait",
        "train:b": "wait",
        "model:same": "wait",
        "own": None,
        'odd "name" #1': None,
    }


def test_groups_are_names_of_their_members(tasks):
    nodes = reach(tasks, ["own"])
    assert set(nodes["own"].deps) >= {"pp:a", "pp:b"}
    assert "pp" not in nodes
    assert tops(reach(tasks, ["train:b", "pp:a"])) == ["train:b"]


def test_tree(tasks):
    text = FORMATS["tree"](reach(tasks, ["train:b", "model:same"]), ["train:b", "model:same"])
    assert text.splitlines() == [
        "? train:b",
        "?   model:b",
        "*     pp:b",
        "    pp:a",
        "? model:same",
        "?   model:b ...",
    ]


def test_json(tasks):
    nodes = reach(tasks, ["model:b"])
    assert json.loads(FORMATS["json"](nodes, ["model:b"])) == [
        {"task": "pp:b", "depends_on": [], "state": "run"},
        {"task": "model:b", "depends_on": ["pp:b"], "state": "wait"},
    ]


def test_mermaid(tasks):
    nodes = reach(tasks, ["model:b", 'odd "name" #1'])
    assert FORMATS["mermaid"](nodes, []).splitlines() == [
        "flowchart LR",
        '  t0["pp:b"]',
        '  t1["model:b"]',
        "  t0 --> t1",
        '  t2["odd #quot;name#quot; #35;1"]',
        "  style t0 fill:gold",
        "  style t1 fill:lightyellow",
    ]


def test_dot(tasks):
    text = FORMATS["dot"](reach(tasks, list(tasks)), [])
    assert '  "pp:b" -> "model:b";' in text and '"odd \\"name\\" #1"' in text
    assert text.count("{") == text.count("}") == 1


def test_graphviz_reads_it(tasks):
    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not installed")
    text = FORMATS["dot"](reach(tasks, list(tasks)), [])
    done = subprocess.run(
        ["dot", "-Tplain"], input=text, text=True, capture_output=True, check=True
    )
    assert sum(line.startswith("edge") for line in done.stdout.splitlines()) == text.count(" -> ")
