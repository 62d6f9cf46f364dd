"""A workspace of the user's own, anywhere: built by ``forgather``, and by stock ``doit`` with three lines."""

from __future__ import annotations

import pytest

from tests.integration.typed import Shell, forgather

DODO = """\
from forgather.make.dodo import build

build()
"""

OWN_TASKS = '''

def task_deploy():
    """send it away"""
    return {"actions": ["echo deployed; date > deployed"], "task_dep": ["graph:alpha"], "verbosity": 2}


def task_far():
    return {"actions": ["echo far"], "task_dep": ["graph:alpha/other"]}


def task_greet():
    who = {"name": "who", "long": "who", "default": "you"}
    return {"actions": ["echo hello %(who)s"], "params": [who], "verbosity": 2}


def task_each():
    for name in "ab":
        yield {"name": name, "actions": [f"touch {name}.txt"], "targets": [f"{name}.txt"]}
'''

CONFIG = """\
meta:
    config_name: "Alpha"
    config_description: "with a variable"
    config_class: "type"
main: !call:dict
    lr: {{ lr | default(1) }}
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    top = tmp_path_factory.mktemp("own")
    shell = Shell(top, top / "cache")
    made = shell.forgather(
        "ws", "create", "--name", "mine", "--description", "my own", "-l", "base"
    )
    assert made.code == 0, made.err
    shell.folder = top / "mine"
    made = shell.forgather("project", "create", "--name", "Alpha", "--description", "first")
    assert made.code == 0, made.err
    configs = shell.folder / "alpha" / "templates" / "configs"
    (configs / "default.yaml").write_text(CONFIG)
    (configs / "other.yaml").write_text(CONFIG)
    return shell


@pytest.fixture
def with_dodo(shell):
    (shell.folder / "dodo.py").write_text(DODO + OWN_TASKS)
    yield shell
    (shell.folder / "dodo.py").unlink()


ALL = {"pp:alpha", "graph:alpha", "pp:alpha/other", "graph:alpha/other"}


def test_without_a_dodo_file(shell):
    first = shell.forgather("build")
    assert (first.code, first.tasks(".")) == (0, ALL), first.err
    again = shell.forgather("build")
    assert (again.code, again.tasks("--"), again.tasks(".")) == (0, ALL, set())
    below = shell.forgather("build", "pp", folder=shell.folder / "alpha" / "templates")
    assert below.tasks("--") == {"pp:alpha", "pp:alpha/other"}
    assert (shell.folder / "build" / "alpha" / "graph.json").is_file()
    assert not (shell.folder / "alpha" / "build").exists()


def test_the_selected_config(shell):
    done = shell.forgather("-t", "other.yaml", "build", "graph", folder=shell.folder / "alpha")
    assert done.tasks(".") | done.tasks("--") == {"pp:alpha/other", "graph:alpha/other"}


def test_three_lines_are_enough_for_doit(shell):
    shell.forgather("build")
    (shell.folder / "dodo.py").write_text(DODO)
    try:
        done = shell.doit()
        assert (done.code, done.tasks("--")) == (0, ALL), done.err
        below = shell.doit("-k", "pp:alpha", folder=shell.folder / "alpha")
        assert (below.code, below.tasks("--")) == (0, {"pp:alpha"}), below.err
        assert shell.doit("list", "--all", "--quiet").out.split()[:1] == ["checkpoint"]
    finally:
        (shell.folder / "dodo.py").unlink()


def test_an_own_task_waits_for_ours_and_brings_in_no_others(with_dodo):
    with_dodo.forgather("build")
    for name in ("config.yaml", "graph.json"):
        (with_dodo.folder / "build" / "alpha" / name).unlink()
        (with_dodo.folder / "build" / "alpha" / "other" / name).unlink()
    done = with_dodo.doit("deploy")
    assert (done.code, done.tasks(".")) == (0, {"pp:alpha", "graph:alpha", "deploy"}), done.err
    assert "deployed" in done.lines
    assert not (with_dodo.folder / "build" / "alpha" / "other" / "graph.json").exists()
    assert with_dodo.forgather("build", "deploy").tasks("--") == {"pp:alpha", "graph:alpha"}


def test_own_tasks_keep_their_options_files_and_patterns(with_dodo):
    assert "hello me" in with_dodo.doit("greet", "--who", "me", "pp:alpha").lines
    done = with_dodo.doit("pp:alpha", "a.txt", "greet")
    assert done.tasks(".") | done.tasks("--") == {"pp:alpha", "each:a", "greet"}
    assert with_dodo.doit("each:*").tasks(".") == {"each:a", "each:b"}


def test_two_at_once(with_dodo):
    with_dodo.doit("forget", "pp", "graph")
    done = with_dodo.doit("-n", "2", "graph:alpha", "graph:alpha/other", "deploy")
    assert (done.code, done.tasks(".")) == (0, ALL | {"deploy"}), done.err


def test_variants_are_tasks_like_any_other(with_dodo):
    first = with_dodo.doit("pp:alpha@lr=2")
    assert (first.code, first.tasks(".")) == (0, {"pp:alpha@lr=2"}), first.err
    assert with_dodo.forgather("build", "pp:alpha@lr=2").tasks("--") == {"pp:alpha@lr=2"}
    text = (with_dodo.folder / "build" / "alpha@lr=2" / "config.yaml").read_text()
    assert "lr: 2" in text


UNKNOWN = [
    ("pp:alfa", "did you mean 'alpha'?"),
    ("deplyo", "did you mean 'deploy'?"),
    ("grahp", "did you mean 'graph'?"),
    ("each:c", "did you mean 'each:"),
    ("pp:beta*", "known: alpha, alpha/other"),
    ("model:alpha", "it has: pp, graph"),
    ("pp:alpha@rl=2", "known: lr"),
]


def test_unknown_names_are_answered_with_the_nearest(with_dodo):
    for name, answer in UNKNOWN:
        done = forgather(with_dodo.folder, "build", name)
        assert answer in done.output, done.output
        assert done.code in (1, 2) and done.output.startswith("error[FG"), done.output
    done = with_dodo.doit("graf:alpha")
    assert done.code == 3 and "did you mean 'graph'?" in done.err and not done.out


def test_the_settings_of_the_dodo_file_hold(shell):
    (shell.folder / "dodo.py").write_text(
        f'DOIT_CONFIG = {{"reporter": "json", "default_tasks": ["pp:alpha"]}}\n{DODO}'
    )
    try:
        shell.forgather("build", "--reporter", "plain")
        done = shell.doit()
        assert done.lines[0].startswith('{"event": "start"') and len(done.lines) == 3
        assert shell.forgather("build").tasks("--") == {"pp:alpha"}
    finally:
        (shell.folder / "dodo.py").unlink()


def test_a_dodo_file_of_another_name(shell):
    other = shell.folder / "other.py"
    other.write_text(DODO + OWN_TASKS)
    try:
        done = shell.doit("-f", "other.py", "deploy")
        assert "deployed" in done.lines, done.err
    finally:
        other.unlink()


def test_outside_of_any_workspace(shell, tmp_path):
    done = shell.forgather("build", folder=tmp_path)
    assert done.code == 1 and "forgather ws create" in done.err
