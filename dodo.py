"""Tasks of this repository. The artifacts of its configs are added by the loader.

``doit list`` shows both kinds; ``doit train:tiny_llama``, ``doit pp``, ``doit check``, ``doit test``.
"""

import os
import sys

DOIT_CONFIG = {"default_tasks": ["pp", "graph"]}

BIN = os.path.dirname(sys.executable)
CODE = "forgather modelsrc tests benchmarks dodo.py"


def _run(*commands, doc):
    return {"actions": list(commands), "verbosity": 2, "uptodate": [False], "doc": doc}


def task_lint():
    return _run(
        f"{sys.executable} -m ruff check {CODE}",
        f"{sys.executable} -m black --check -q {CODE}",
        doc="style: ruff and black",
    )


def task_imports():
    return _run(f"{BIN}/lint-imports --no-cache", doc="imports point one way")


def task_sizes():
    return _run(
        f"{sys.executable} -m tests.house.sizes",
        f"{sys.executable} -m tests.house.doors",
        doc="no module or function is too long; one door per library",
    )


def task_docs():
    """generated pages are in step with the code"""
    return _run(
        f"{sys.executable} -m tests.house.cli_reference --check",
        f"{sys.executable} -m forgather.catalogue --check",
        doc="generated documentation is in step",
    )


def task_test():
    return _run(f"{sys.executable} -m pytest -n 2 --dist loadgroup tests", doc="run the tests")


def task_check():
    return {
        "actions": None,
        "task_dep": ["lint", "imports", "sizes", "docs", "test"],
        "doc": "everything that CI checks",
    }


def task_bench():
    return _run(
        f"{sys.executable} benchmarks/train_step.py", doc="measure against peers, in one run"
    )
