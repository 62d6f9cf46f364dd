"""doit's own commands on artifacts: list, clean, forget, ignore, graph, and the options of run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.integration.cheap import make_workspace
from tests.integration.typed import Shell, forgather

PP = {"pp:corpus", "pp:net", "pp:plain", "pp:plain/second", "pp:plain/third", "pp:run", "pp:vocab"}
WEIGHTS = "projects/run/output_models/cheap/checkpoint-5/model.safetensors"


BUILD = ("build", "pp", "graph", "model", "tokenizer", "train")


@pytest.fixture(scope="module")
def space(tmp_path_factory):
    return make_workspace(tmp_path_factory.mktemp("commands") / "ws")


@pytest.fixture
def root(space):
    """All is built but the steps after training, which load libraries for seconds.

    Code and templates are put back after each test.
    """
    built = space
    done = forgather(built, *BUILD)
    assert done.code == 0, done.output
    names = ("code", "lib", "projects/plain/templates")
    for name in names:
        shutil.copytree(built / name, built / "kept" / name)
    yield built
    for name in names:
        shutil.rmtree(built / name)
        shutil.move(built / "kept" / name, built / name)
    shutil.rmtree(built / "kept")


def doit(root, *arguments, **variables):
    return forgather(root, "doit", *arguments, **variables)


def status(root, *names):
    """Status letter by task, as ``doit list`` has it."""
    lines = doit(root, "list", "--all", "--status", *names).output.splitlines()
    return {line.split()[1]: line.split()[0] for line in lines}


def edit(root, name, old, new):
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_list_tells_what_is_up_to_date(root):
    found = status(root)
    assert {name for name in found if name.startswith("pp:")} == PP
    assert found["pp"] == found["model:net"] == found["model:run"] == found["train"] == "U"
    assert found["plot"] == "R"  # never made here
    edit(root, "lib/wrapped.yaml", "depth: 3", "depth: 4")
    found = status(root)
    assert (found["pp"], found["pp:plain"], found["pp:plain/second"]) == ("R", "R", "U")
    assert status(root, "model") == {"model": "U", "model:net": "U", "model:run": "U"}


def test_list_without_all_has_the_kinds(root):
    lines = doit(root, "list").output.splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    assert not any(":" in line.split()[0] for line in lines)
    assert {line.split()[1] for line in doit(root, "list", "--status").output.splitlines()} >= {
        "pp"
    }


def test_list_shows_a_broken_config_and_all_others(root):
    edit(root, "projects/plain/templates/configs/third.yaml", "!dict:@third", "!dict:@third [")
    lines = doit(root, "list", "--all", "pp").output.splitlines()
    assert {line.split()[0] for line in lines} == {"pp", *PP}
    assert any("pp:plain/third" in line and "PARSE ERROR" in line for line in lines)


def test_what_is_forgotten_runs_again(root):
    assert "forgetting model:net" in doit(root, "forget", "model:net").output
    done = forgather(root, "build", "model:net")
    assert done.made == {"model:net": "built"}
    assert "(it was forgotten)" in done.output


def test_patterns_are_forgotten_and_nothing_else(root):
    doit(root, "forget", "pp:plain*")
    assert forgather(root, "build", "pp").built == {"pp:plain", "pp:plain/second", "pp:plain/third"}
    assert doit(root, "forget", "pp:zz*").code == 2
    assert doit(root, "forget", "nosuch:net").code == 2


def test_all_is_forgotten(root):
    doit(root, "forget", "--all")
    assert forgather(root, "build", "pp").built == PP


def test_clean_removes_what_lies_below_build(root):
    package = root / "build" / "net" / "model"
    would = doit(root, "clean", "--dry-run", "model:net")
    assert "removing build/net/model/weight.txt" in would.output and package.is_dir()
    doit(root, "clean", "model:net")
    assert not package.exists() and (root / "build" / "net" / "graph.json").is_file()
    assert forgather(root, "build", "model:net").made == {"model:net": "restored"}
    assert (package / "weight.txt").is_file()


def test_clean_and_forget(root):
    doit(root, "clean", "--forget", "model:net")
    assert forgather(root, "build", "model:net").made == {"model:net": "built"}


def test_clean_keeps_trained_models(root):
    before = (root / WEIGHTS).read_bytes()
    assert "kept" in doit(root, "clean", "train:run").output
    doit(root, "clean", "--clean-all")
    assert (root / WEIGHTS).read_bytes() == before
    assert not (root / "build" / "net").exists()
    done = forgather(root, *BUILD)
    assert done.code == 0 and done.built == set() and "train:run" not in done.made


def test_what_is_ignored_is_left_alone(root):
    doit(root, "ignore", "model:net")
    shutil.rmtree(root / "build" / "net" / "model")  # the store has it, and could mend it
    done = forgather(root, "build", "model:net", "tokenizer")
    assert done.code == 0 and done.made == {}
    assert "!! model:net  (ignored, until it is forgotten)" in done.output
    assert "-- tokenizer:vocab" in done.output
    assert status(root, "model:net") == {"model:net": "I"}
    doit(root, "forget", "model:net")
    assert forgather(root, "build", "model:net").made == {"model:net": "built"}


def test_always(root):
    for option in ("-a", "--always"):
        done = forgather(root, "build", option, "model:net")
        assert done.built == {"pp:net", "graph:net", "model:net"}
    assert "(it was asked for again (--always))" in done.output


def test_a_failure_stops_the_build_unless_it_is_to_go_on(root):
    edit(root, "code/net_maker.py", "out.mkdir()", "raise ValueError('no net')")
    edit(root, "code/vocab/maker.py", "STEP = 1", "STEP = 2")
    stopped = forgather(root, "build", "model:net", "tokenizer:vocab")
    assert (stopped.code, stopped.made) == (1, {})
    went_on = forgather(root, "build", "--continue", "model:net", "train:run", "tokenizer:vocab")
    assert (went_on.code, went_on.built) == (1, {"tokenizer:vocab"})
    assert "!! train:run  (not built: model:net)" in went_on.output


def test_nothing_is_said_when_nobody_reads_on(root):
    shell = Shell(root, root.with_name("ws-cache"))
    command = (
        f"{sys.executable} -m forgather.cli doit list --all | head -1; echo ${{PIPESTATUS[0]}}"
    )
    for line in (command, command.replace("doit list --all", "build -a pp")):
        done = subprocess.run(
            ["bash", "-c", line], cwd=root, env=shell.environment(), capture_output=True, text=True
        )
        assert (done.stderr, done.stdout.splitlines()[-1]) == ("", "0")


def test_graph(root):
    tree = doit(root, "graph", "train:run").output.splitlines()
    assert tree[0] == "  train:run"
    assert tree[1:] == [
        "    graph:run",
        "      pp:run",
        "    model:net",
        "      graph:net",
        "        pp:net",
    ]
    edit(root, "lib/wrapped.yaml", "depth: 3", "depth: 4")
    marks = {line[2:].strip(): line[0] for line in doit(root, "graph", "graph").output.splitlines()}
    assert (marks["pp:plain"], marks["graph:plain"], marks["pp:net"]) == ("*", "*", " ")


def test_graph_as_data(root):
    nodes = {one["task"]: one for one in json.loads(doit(root, "graph", "--format", "json").output)}
    assert nodes["model:run"] == {
        "task": "model:run",
        "depends_on": ["model:net"],
        "state": "current",
    }
    assert set(nodes) >= {*PP, "train:run", "tokenizer:vocab"}
    options_last = doit(root, "graph", "pp:plain*", "--format", "json")
    assert options_last.code == 2 and "options go before the names" in options_last.output
