"""The size walls: what is refused, what only wants a reason, and that this repository keeps them."""

import ast

import pytest

from tests.house import sizes
from tests.house.sources import Source, sources


def source(text: str) -> Source:
    return Source("pack/module.py", text, ast.parse(text))


def test_this_repository_keeps_the_walls():
    refused = [finding for finding in sizes.check(sources()) if finding.refused]
    assert refused == []


def test_a_module_over_the_wall_is_refused():
    (finding,) = sizes.check([source("x = 1\n" * 601)])
    assert finding.refused
    assert "601 lines" in finding.message


@pytest.mark.parametrize(
    ("docstring", "warned"),
    [('"""A table."""', True), ('"""Long because it is one table of facts."""', False)],
)
def test_a_long_module_wants_a_reason_in_its_docstring(docstring, warned):
    findings = list(sizes.check([source(docstring + "\n" + "x = 1\n" * 420)]))
    assert bool(findings) is warned
    assert not any(finding.refused for finding in findings)


def test_a_long_function_is_refused_and_named():
    text = "class A:\n    def long(self):\n" + "        x = 1\n" * 80
    (finding,) = sizes.check([source(text)])
    assert finding.refused
    assert finding.place == "pack/module.py:2"
    assert "long() has 81 lines" in finding.message


def test_a_function_at_the_wall_passes():
    text = "def long():\n" + "    x = 1\n" * 79
    assert list(sizes.check([source(text)])) == []
