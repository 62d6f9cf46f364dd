"""``forgather why`` and ``forgather provenance``: what they take, in a workspace without a dodo.py."""

import json

import pytest

from forgather.make.catalog import Catalog
from tests.cli.conftest import write


def build(root):
    """Text and graph of the config ``one``, as a build makes them."""
    catalog = Catalog(root)
    for task in ("pp:one", "graph:one"):
        catalog.build.make(catalog.target(task))
    catalog.build.save_stamps()
    catalog.build.close()


@pytest.fixture
def rendered(workspace, monkeypatch):
    monkeypatch.setenv("FORGATHER_CACHE_DIR", "off")
    build(workspace)
    assert not list(workspace.rglob("dodo.py"))
    return workspace


def edited(root):
    path = root / "one" / "templates" / "base.yaml"
    path.write_text(path.read_text().replace("default(1.0e-3)", "default(2.0e-3)"))


END = "one/templates/base.yaml:7 lr {{ lr | default(1.0e-3) }} -> {{ lr | default(2.0e-3) }}"


@pytest.mark.parametrize(
    ("arguments", "task"),
    [
        (["graph:one"], "graph:one"),
        (["graph"], "graph:one"),
        (["one"], "graph:one"),
        ([], "graph:one"),
        (["-t", "plain.yaml", "pp"], "pp:one"),
        (["-p", "../one/templates", "graph"], "graph:one"),
    ],
)
def test_tasks_kinds_and_configs(rendered, forgather, arguments, task):
    assert forgather("why", *arguments).lines == [f"{task} is up to date"]
    edited(rendered)
    outcome = forgather("why", *arguments)
    assert outcome.status == 0 and outcome.lines[0].startswith(f"{task} would run")
    assert outcome.lines[-1].strip() == END
    build(rendered)
    last = forgather("why", "--last", *arguments).lines
    assert last[0].startswith(f"{task} ran (") and last[-1].strip() == END


def test_the_config_that_t_selects(rendered, forgather):
    assert forgather("why", "-t", "other.yaml", "pp").lines[0] == "pp:one/other would run"
    assert forgather("why", "-t", "other.yaml").lines[0] == "graph:one/other would run"


def test_a_pattern_and_json(rendered, forgather):
    assert forgather("why", "pp:one*").lines == [
        "pp:one is up to date",
        "pp:one/other would run",
        "  never built here",
    ]
    found = json.loads(forgather("why", "pp:one*", "--format", "json").out)
    assert [(one["task"], one["state"]) for one in found] == [
        ("pp:one", "current"),
        ("pp:one/other", "run"),
    ]
    found = json.loads(forgather("why", "pp:one", "--format", "json").out)
    assert found == {"task": "pp:one", "state": "current", "facts": [], "changes": [], "causes": []}


def test_mistakes_are_answered(rendered, forgather):
    outcome = forgather("why", "ones")
    assert outcome.status == 2 and "did you mean 'one'?" in outcome.err
    outcome = forgather("why", "grph:one")
    assert outcome.status == 2 and "did you mean 'graph'?" in outcome.err
    outcome = forgather("why", "model:one")
    assert outcome.status == 2 and "one has no model" in outcome.err


def test_a_broken_config_is_answered_with_its_line(rendered, forgather):
    path = rendered / "one" / "templates" / "base.yaml"
    path.write_text(path.read_text().replace("flag: {{", "flag: [{{"))
    outcome = forgather("why", "one")
    assert outcome.status == 1 and "base.yaml:" in outcome.err
    assert forgather("why", "--last", "graph:one").lines[0].startswith("graph:one ran (")


def test_provenance(rendered, forgather, monkeypatch):
    outcome = forgather("provenance", "../build/one/config.yaml")
    assert outcome.status == 0
    assert outcome.lines[0] == "made by pp:one"
    assert "config: plain.yaml of one (one)" in outcome.lines
    assert any(line.endswith("  one/templates/base.yaml") for line in outcome.lines)
    found = json.loads(forgather("provenance", "../build/one/config.yaml", "--format", "json").out)
    assert found["task"] == "pp:one" and found["altered"] == []
    write(rendered, "build/one/config.yaml", "other: 1\n")
    outcome = forgather("provenance", "../build/one/config.yaml")
    assert "altered since it was made" in outcome.lines[1]
    monkeypatch.chdir(rendered.parent)
    outcome = forgather("provenance", "space/build/one/graph.json")
    assert outcome.lines[0] == "made by graph:one"


def test_provenance_of_nothing(rendered, forgather):
    outcome = forgather("provenance", "meta.yaml")
    assert outcome.status == 1 and "error[FG660]" in outcome.err
    assert "belongs to nothing that was built" in outcome.err and "looked for" in outcome.err
    outcome = forgather("provenance", "../build/one")
    assert outcome.status == 1 and "error[FG661]" in outcome.err


def test_reproduce_in_a_workspace_without_a_dodo(rendered, forgather):
    edited(rendered)
    outcome = forgather("reproduce", "../build/one/graph.json")
    assert outcome.status == 0, outcome.err
    assert outcome.lines[0] == "graph:one came out the same, to the bit: 1 file"
    found = json.loads(forgather("reproduce", "--format", "json", "../build/one/graph.json").out)
    assert found["equal"] is True and found["reason"] is None
