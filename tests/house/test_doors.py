"""One door per library: where an import is refused, and that this repository has no such import."""

import ast

import pytest

from tests.house import doors
from tests.house.sources import Source, sources


def refused(name: str, text: str) -> list[str]:
    return list(doors.check([Source(name, text, ast.parse(text))]))


def test_this_repository_uses_its_doors():
    assert list(doors.check(sources())) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forgather/make/plan.py", "import doit.tools"),
        ("forgather/codegen/expr.py", "from jinja2 import Template"),
        ("forgather/cli/main.py", "def f():\n    import yaml"),
        ("forgather/ml/trainer/trainer.py", "import matplotlib.pyplot as plt"),
        ("forgather/project.py", "import modelsrc"),
        ("modelsrc/transformer/rope.py", "import numpy"),
    ],
)
def test_an_import_outside_the_door_is_refused(name, text):
    (message,) = refused(name, text)
    assert message.startswith(name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forgather/make/tasks.py", "from doit.loader import x"),
        ("forgather/lang/environment.py", "import jinja2"),
        ("forgather/codegen/yaml.py", "import yaml"),
        ("forgather/ml/analysis/plots.py", "import matplotlib"),
        ("modelsrc/transformer/rope.py", "import math\nimport torch\nfrom .x import Y"),
        ("tests/lang/test_x.py", "import yaml, jinja2"),
    ],
)
def test_an_import_through_the_door_passes(name, text):
    assert refused(name, text) == []
