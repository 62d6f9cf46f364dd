"""Do called things exist and take their arguments: found by reading source, nothing imported."""

import sys
import textwrap

import pytest

from forgather.errors import Span
from forgather.graph.nodes import FactoryNode, PartialNode, SingletonNode
from forgather.view.check.calls import check_calls

SOURCE = '''
"""A module whose import would be noticed."""
raise SystemExit("this module was imported")

from dataclasses import dataclass, field
from .parts import Base, made_by_star
from .parts import *

def function(a, b=1, *, c, d=2): ...

def anything(*args, **kwargs): ...

def decorated_parameters(f): return f

@decorated_parameters
def unknown(a): ...

class Child(Base):
    @classmethod
    def build(cls, path, *, strict=True): ...
    @staticmethod
    def twice(x): ...
    def method(self, y): ...

class Empty: ...

class Foreign(SomethingUndefined): ...

@dataclass
class Data:
    x: int
    y: int = 0
    z: list = field(default_factory=list)
    hidden: int = field(init=False, default=1)

@dataclass(kw_only=True)
class More(Data):
    w: float

alias = function
constant = 3
'''
PARTS = """
class Base:
    def __init__(self, size, rate=0.1): ...

def made_by_star(n): ...
def only_by_star(n): ...
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "planted"
    folder.mkdir()
    (folder / "__init__.py").write_text(textwrap.dedent(SOURCE))
    (folder / "parts.py").write_text(textwrap.dedent(PARTS))
    (folder / "lazy.py").write_text("def __getattr__(name): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    assert "planted" not in sys.modules


def findings(node, **options):
    return [(f.code, f.message, f.hint) for f in check_calls({"target": node}, **options)]


def call(spec, *args, kind=SingletonNode, **kwargs):
    return kind(f"planted:{spec}", args, kwargs)


GOOD = [
    call("function", 1, c=2),
    call("function", 1, 2, c=3, d=4),
    call("function", kind=PartialNode),
    call("anything", 1, 2, 3, x=4),
    call("unknown", 1, 2, 3),
    call("Child", 8, rate=0.5),
    call("Child.build", "p", strict=False),
    call("Child.twice", 2),
    call("Child.method", 1, 2, 3),
    call("Empty"),
    call("Foreign", 1, 2, 3),
    call("Data", 1, 2, z=[]),
    call("More", 1, w=2.0),
    call("alias", 1, c=2),
    call("constant"),
    call("made_by_star", 1),
    call("only_by_star", 1),
    call("parts.Base", 1),
    SingletonNode("planted.lazy:whatever", [], {"x": 1}),
    SingletonNode("planted.Empty"),
    SingletonNode("math:sqrt", [2]),
    SingletonNode("str.format", ["{}", 1]),
    SingletonNode("named_dict", [], {"a": 1}),
    SingletonNode(".not_written_yet:Model", [], {"a": 1}),
]


@pytest.mark.parametrize("node", GOOD, ids=lambda node: node.constructor)
def test_what_fits_or_cannot_be_known_passes(node, package):
    assert findings(node) == []


BAD = [
    (call("functoin", 1), "FG304", "has no 'functoin'", "did you mean 'function'?"),
    (call("function", 1, c=2, qqq=3), "FG308", "has no argument 'qqq'", "known: a, b, c, d"),
    (call("function", 1, 2, 3, c=4), "FG308", "takes 2 positional arguments, 3 given", None),
    (call("function", 1, a=1, c=2), "FG308", "gets the argument 'a' twice", None),
    (call("function"), "FG308", "is missing the arguments 'a', 'c'", None),
    (call("function", 1, kind=FactoryNode), "FG308", "is missing the argument 'c'", None),
    (call("function", rrr=1, kind=PartialNode), "FG308", "has no argument 'rrr'", "known:"),
    (call("Child", 1, raet=2), "FG308", "has no argument 'raet'", "did you mean 'rate'?"),
    (call("Child.build", strickt=1, path=1), "FG308", "no argument 'strickt'", "'strict'"),
    (call("Empty", 1), "FG308", "takes no positional arguments, 1 given", None),
    (call("Data", 1, hidden=2), "FG308", "has no argument 'hidden'", None),
    (call("More", 1), "FG308", "is missing the argument 'w'", None),
    (SingletonNode("planted.nosuch:x"), "FG304", "no module 'planted.nosuch'", None),
    (SingletonNode("nosuchmodule:x"), "FG304", "no module 'nosuchmodule'", "installed"),
    (SingletonNode("jsn.decoder:x"), "FG304", "no module 'jsn.decoder'", "mean 'json.decoder'?"),
    (SingletonNode("jsn.decodr:x"), "FG304", "no module 'jsn.decodr'", "mean 'json.decoder'?"),
    (SingletonNode("jsn.unlike:x"), "FG304", "no module 'jsn.unlike'", "is it installed"),
    (SingletonNode("nosuch.module.x"), "FG304", "neither a builtin nor", "installed"),
    (SingletonNode("lenn", ["x"]), "FG304", "there is no builtin 'lenn'", "'len'"),
    (SingletonNode("planted:Child:build"), "FG303", "more than one colon", "planted:Child.build"),
]


@pytest.mark.parametrize(
    ("node", "code", "message", "hint"), BAD, ids=lambda value: getattr(value, "constructor", None)
)
def test_what_does_not_fit_is_found(node, code, message, hint, package):
    ((found_code, found_message, found_hint),) = findings(node)
    assert found_code == code
    assert message in found_message
    if hint:
        assert hint in found_hint


def test_a_file_spec_is_read_and_not_run(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("raise SystemExit\ndef make(a): ...\n")
    assert findings(SingletonNode(f"{file}:make", [1])) == []
    ((_, message, _),) = findings(SingletonNode(f"{file}:make", [], {"b": 1, "a": 1}))
    assert "has no argument 'b'" in message
    ((_, message, hint),) = findings(SingletonNode(f"{tmp_path}/mien.py:make", [1]))
    assert "there is no file" in message
    assert "'mine.py'" in hint


def test_a_relative_spec_is_looked_up_in_its_search_path(tmp_path):
    (tmp_path / "layer.py").write_text("class Layer:\n    def __init__(self, size): ...\n")
    path = (str(tmp_path),)
    good = SingletonNode(".layer:Layer", [], {"size": 1}, submodule_searchpath=path)
    bad = SingletonNode(".layr:Layer", [], {"size": 1}, submodule_searchpath=path)
    assert findings(good) == []
    ((code, message, hint),) = findings(bad)
    assert code == "FG304"
    assert "no layr.py in" in message
    assert "'layer'" in hint


def test_the_system_path_of_a_project_is_searched_first(tmp_path):
    (tmp_path / "own_module.py").write_text("def make(a): ...\n")
    node = SingletonNode("own_module:make", [1])
    assert findings(node)[0][0] == "FG304"
    assert findings(node, system_path=[str(tmp_path)]) == []


def test_a_finding_points_at_the_argument(package):
    place, inner = Span("a.yaml", 3), Span("a.yaml", 5)
    node = SingletonNode("planted:Child", [1], {"raet": 2}, span=place, arg_spans={"raet": inner})
    (finding,) = check_calls({"target": {"deep": [node]}})
    assert finding.where == inner
    assert finding.path == "target.deep[0]"


def test_libraries_are_read_without_being_imported():
    import subprocess

    code = (
        "import sys\n"
        "from forgather.graph.nodes import PartialNode\n"
        "from forgather.view.check.calls import check_calls\n"
        "bad = PartialNode('torch.optim:AdamW', [], {'lrr': 1})\n"
        "(found,) = check_calls({'a': bad})\n"
        "print(found.message, found.hint, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "torch.optim:AdamW has no argument 'lrr' did you mean 'lr'? False"
    )
