"""Which source files a graph reaches: by reading, and only those it uses."""

from pathlib import Path

import pytest

from forgather.codegen.closure import closure_files, part_specs
from forgather.errors import CodegenError, Span
from forgather.graph.nodes import PartialNode, SingletonNode

PARTS = {
    "body.py": "from .norm import Norm\nfrom .mask import mask as own_mask\nclass Body: ...\n",
    "norm.py": "import torch\nfrom .numbers import EPS\nclass Norm: ...\n",
    "numbers.py": "EPS: float = 1e-6\n",
    "mask.py": "try:\n    from fast import mask\nexcept ImportError:\n    def mask(): ...\n",
    "unused.py": "from .also_missing import nothing\n",
    "text.py": '"""Mentions: from .nowhere import x"""\nclass Text: ...\n',
}


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for name, text in PARTS.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def names(files):
    return [path.name for path in files]


def test_follows_imports_and_leaves_the_rest(parts):
    assert names(closure_files([".body:Body"], [parts])) == [
        "body.py",
        "mask.py",
        "norm.py",
        "numbers.py",
    ]
    assert names(closure_files([".text:Text", ".numbers:EPS"], [parts])) == [
        "numbers.py",
        "text.py",
    ]
    assert closure_files([], [parts]) == []


def test_first_folder_wins_for_siblings_too(parts, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "numbers.py").write_text("EPS = 2\n")
    files = closure_files([".body:Body"], [own, parts])
    assert own / "numbers.py" in files
    assert parts / "numbers.py" not in files


def test_circular_imports_end(tmp_path):
    (tmp_path / "a.py").write_text("from .b import B\nA = 1\n")
    (tmp_path / "b.py").write_text("from .a import A\nB = 1\n")
    assert names(closure_files([".a:A"], [tmp_path])) == ["a.py", "b.py"]


def test_specs_of_a_graph_come_once_with_their_place():
    span = Span("model.yaml", 7)
    norm = PartialNode(".norm:Norm")
    body = SingletonNode(
        ".body:Body", kwargs={"a": norm, "b": [norm, PartialNode("torch.nn:ReLU")]}, span=span
    )
    found = part_specs({"model": body})
    assert [(part.spec, part.path) for part in found] == [
        (".body:Body", "model"),
        (".norm:Norm", "model.a"),
    ]
    assert found[0].span == span


def test_missing_part_names_place_folders_and_nearest(parts):
    node = PartialNode(".nrom:Norm", span=Span("model.yaml", 3))
    with pytest.raises(CodegenError) as caught:
        closure_files(part_specs({"norm_factory": node}), [parts])
    error = caught.value
    assert "'.nrom:Norm' (at norm_factory): no file nrom.py" in error.message
    assert str(parts) in error.message
    assert "did you mean 'norm'?" in error.hint
    assert error.where == Span("model.yaml", 3)


@pytest.mark.parametrize(
    ("text", "spec", "message"),
    [
        ("class Modle: ...", ".part:Model", "part.py defines no 'Model'"),
        ("from .gone import x\nM = 1", ".part:M", "part.py imports .gone, which is in none"),
        ("from . import sibling\nM = 1", ".part:M", "a model package is flat"),
        ("from .sub.part import x\nM = 1", ".part:M", "a model package is flat"),
        ("from ..up import x\nM = 1", ".part:M", "a model package is flat"),
        ("def broken(:\n", ".part:broken", "part.py: "),
        ("M = 1", ".sub.part:M", "'.sub.part:M' is not a model part"),
        ("M = 1", ".part", "malformed|not a model part"),
    ],
)
def test_refusals(tmp_path, text, spec, message):
    (tmp_path / "part.py").write_text(text)
    with pytest.raises(CodegenError, match=message):
        closure_files([spec], [tmp_path])


def test_error_in_a_file_names_its_line(tmp_path):
    (tmp_path / "part.py").write_text("M = 1\nfrom .gone import x\n")
    with pytest.raises(CodegenError) as caught:
        closure_files([".part:M"], [tmp_path])
    assert (caught.value.where.line, caught.value.where.path) == (2, str(tmp_path / "part.py"))
