"""Names of tasks for completion: quick, from what is known, without running anything."""

import subprocess
import sys

import pytest

from forgather.make.names import config_ids, task_names
from tests.integration.cheap import make_workspace
from tests.integration.typed import forgather


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("names") / "ws")


def test_names_before_the_first_build(root):
    assert task_names(root, "pl") == ["plot"]
    assert task_names(root, "pp:plain") == ["pp:plain", "pp:plain/second", "pp:plain/third"]
    assert "model:corpus" in task_names(root, "model:")  # nothing is known of it
    assert not (root / "build").exists()  # and nobody who asks leaves anything behind
    assert config_ids(root, "v") == ["vocab"]
    assert task_names(root, "nosuch:") == []


def test_names_after_a_build_are_those_that_exist(root):
    for _ in range(2):  # of files that are this new, the first build keeps little
        assert forgather(root, "build", "model").code == 0
    assert task_names(root, "model:") == ["model:net", "model:run"]
    path = root / "lib" / "base.yaml"
    path.write_text(path.read_text() + "## a comment\n")
    assert task_names(root, "model:") == ["model:net", "model:run"]  # as it was known last
    added = root / "projects" / "plain" / "templates" / "configs" / "more.yaml"
    added.write_text("main: 1\n")
    assert "pp:plain/more" in task_names(root, "pp:pl")
    assert config_ids(root, "plain/m") == ["plain/more"]


def test_tasks_of_a_dodo_file_are_found_without_running_it(root):
    (root / "dodo.py").write_text("raise SystemExit\n\ndef task_deploy():\n    pass\n")
    assert task_names(root, "de") == ["deploy"]
    (root / "dodo.py").unlink()


def test_no_config_is_compiled_and_nothing_heavy_imported(root):
    for _ in range(2):
        assert forgather(root, "build", "pp").code == 0
    code = (
        "import sys; from pathlib import Path; from forgather.make.names import task_names; "
        f"task_names(Path({str(root)!r}), 'pp:'); "
        "print([n for n in ('doit', 'jinja2', 'yaml', 'torch') if n in sys.modules])"
    )
    for _ in range(2):  # the first may have to read a meta.yaml
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
