"""Mistakes in what a config wants to be called."""

from __future__ import annotations

from tests.mistakes.row import (
    INCLUDED,
    META,
    WORKSPACE,
    Mistake,
    included,
    inline,
)

GRAPHS = [
    Mistake(
        "duplicate node name",
        "FG302",
        included("a: !call:dict@thing {}\nb: <!>!call:list@thing []\n"),
        "two nodes are named 'thing'",
        "give one of them another name",
        shown=("library/part.yaml:1:4) and b",),
        chain=INCLUDED,
    ),
    Mistake(
        "module that does not exist",
        "FG304",
        included("a: 1\nb: <!>!call:colections:OrderedDict []\n"),
        "'colections'",
        "did you mean 'collections'?",
        command="check",
        shown=("in the graph: b",),
    ),
    Mistake(
        "attribute that does not exist",
        "FG304",
        inline("a: 1\nb: <!>!call:collections:OrderdDict []\n"),
        "'OrderdDict'",
        "did you mean 'OrderedDict'?",
        command="check",
    ),
    Mistake(
        "builtin that does not exist",
        "FG304",
        included("b: <!>!call:dcit []\n"),
        "'dcit'",
        "did you mean 'dict'?",
        command="check",
    ),
    Mistake(
        "module that does not exist, when it is built",
        "FG304",
        included("a: 1\nb: <!>!call:colections:OrderedDict []\n"),
        "'colections'",
        "did you mean 'collections'?",
        command="construct --target b",
    ),
    Mistake(
        "unknown argument",
        "FG308",
        included("a: !call:things:Thing\n    width: 1\n    <!>heigth: 2\n")
        | {"p/things.py": "class Thing:\n    def __init__(self, width, height=1): pass\n"}
        | {META: WORKSPACE[META] + "system_path: '.'\n"},
        "'heigth'",
        "did you mean 'height'?",
        command="check",
    ),
    Mistake(
        "missing argument",
        "FG308",
        inline("a: <!>!call:things:Thing\n    height: 2\n")
        | {"p/things.py": "class Thing:\n    def __init__(self, width, height=1): pass\n"}
        | {META: WORKSPACE[META] + "system_path: '.'\n"},
        "'width'",
        "its arguments: width, height=1",
        command="check",
    ),
    Mistake(
        "unknown argument, when it is built",
        "FG308",
        included("a: !call:things:Thing\n    width: 1\n    <!>heigth: 2\n")
        | {"p/things.py": "class Thing:\n    def __init__(self, width, height=1): pass\n"}
        | {META: WORKSPACE[META] + "system_path: '.'\n"},
        "'heigth'",
        "did you mean 'height'?",
        command="construct --target a",
    ),
    Mistake(
        "variable without value",
        "FG305",
        included("a: 1\nb: [<!>!var size]\n"),
        "variable 'size' has no value",
        "write a default",
        command="construct --target b",
    ),
    Mistake(
        "!var of no form",
        "FG207",
        included("b: <!>!var [a, b, c]\n"),
        "!var needs the name of a variable",
        "write !var name",
        chain=INCLUDED,
    ),
    Mistake(
        "file that fails when it is imported",
        "FG309",
        included('a: <?>!call:{{ joinpath(project_dir, "broken.py") }}:Thing []\n')
        | {"p/broken.py": "import os\n\n\ndef load():\n    return {}['width']\n\n\nload()\n"},
        "KeyError: 'width'",
        "",
        command="construct --target a",
        shown=(
            "broken.py:8, in <module>\n      load()",
            "broken.py:5, in load",
            "return {}['width']",
        ),
    ),
    Mistake(
        "constructor that fails",
        "FG307",
        included("a: 1\nb: [<!>!call:int x]\n"),
        "'int' failed (at b[0]): ValueError",
        "",
        command="construct --target b",
    ),
    Mistake(
        "target that does not exist",
        "FG306",
        {},
        "has no target 'optimiser'",
        "did you mean 'optimizer'?",
        command="construct --target optimiser",
    ),
    Mistake(
        "target name that is not a string",
        "FG210",
        included("1: <?>2\n"),
        "the name of a target must be a string",
        "quote it",
        chain=INCLUDED,
    ),
]
