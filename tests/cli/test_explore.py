"""Commands that look at a config: targets, pp, meta, index, tlist, trefs, graph, code, construct."""

import json

import pytest

from tests.cli.conftest import write

TARGETS = ["optimizer", "dynamic_args", "meta", "main"]


def test_targets_in_document_order(workspace, forgather):
    assert forgather("targets").lines == TARGETS
    assert forgather("-t", "other.yaml", "targets").lines == ["optimizer", "extra", *TARGETS[1:]]


def test_targets_as_json_have_places(workspace, forgather):
    rows = json.loads(forgather("targets", "--format", "json").out)
    assert [row["target"] for row in rows] == TARGETS
    assert rows[0]["value"] == "!partial:torch.optim:AdamW"
    assert rows[0]["file"].endswith("base.yaml")


def test_a_config_that_does_not_exist(workspace, forgather):
    outcome = forgather("-t", "plian.yaml", "pp")
    assert outcome.status == 1
    assert "project 'One' has no config 'plian.yaml'" in outcome.err
    assert "did you mean 'plain.yaml'?" in outcome.err


def test_pp_is_the_config_and_nothing_else(workspace, forgather):
    import yaml

    outcome = forgather("pp", "--lr", "0.25")
    assert outcome.status == 0
    assert outcome.err == ""
    assert "    lr: 0.25" in outcome.lines
    kinds = {type(event).__name__ for event in yaml.parse(outcome.out)}
    assert "MappingStartEvent" in kinds


def test_pp_debug_shows_the_translated_templates_first(workspace, forgather):
    outcome = forgather("pp", "-d")
    assert outcome.status == 0
    assert " base.yaml " in outcome.out
    assert "{% block optimizer %}" in outcome.out
    assert outcome.out.index("{% block optimizer %}") < outcome.out.index("lr: 0.001")


def test_an_error_in_a_base_template_names_its_line_and_how_it_was_reached(workspace, forgather):
    base = workspace / "one/templates/base.yaml"
    base.write_text(base.read_text().replace("lr | default(1.0e-3)", "rate"))
    outcome = forgather("pp")
    assert outcome.status == 1
    assert f"{base}:7:12: " in outcome.err
    assert "error[FG101]" in outcome.err
    assert f"included from {workspace / 'one/templates/configs/plain.yaml'}:1" in outcome.err
    assert "Traceback" not in outcome.err


def test_an_override_that_no_parent_has_is_a_warning(workspace, forgather):
    write(
        workspace,
        "one/templates/configs/typo.yaml",
        '-- extends "base.yaml"\n[optimiser]\noptimizer: 1\n',
    )
    outcome = forgather("-t", "typo.yaml", "pp")
    assert outcome.status == 0
    assert "warning[FG140]" in outcome.err
    assert "configs/typo.yaml:2" in outcome.err
    assert "did you mean 'optimizer'?" in outcome.err
    assert "FG140" not in outcome.out


def test_meta_shows_the_search_path(workspace, forgather):
    outcome = forgather("meta")
    assert outcome.status == 0
    assert outcome.lines[0] == "# Meta Config"
    assert "[meta.yaml](meta.yaml)" in outcome.out
    assert "meta_defaults.yaml" in outcome.out
    assert "Template Search Paths:" in outcome.lines
    data = json.loads(forgather("meta", "--format", "json").out)
    assert data["searchpath"][0] == str(workspace / "one" / "templates")
    assert data["default_config"] == "plain.yaml"


def test_index_is_markdown_of_the_project(workspace, forgather):
    outcome = forgather("index")
    assert outcome.status == 0
    assert outcome.lines[0] == "# One"
    assert f'#### Project Directory: "{workspace / "one"}"' in outcome.lines
    assert "- [plain.yaml](templates/configs/plain.yaml)" in outcome.lines
    assert outcome.lines[-1] == "Default Configuration: plain.yaml"
    assert json.loads(forgather("index", "--format", "json").out)["configs"][0]["config"]


def test_tlist_files_in_search_order(workspace, forgather):
    outcome = forgather("tlist")
    assert outcome.status == 0
    assert outcome.lines == [
        "templates/base.yaml",
        "templates/configs/other.yaml",
        "templates/configs/plain.yaml",
        "../forgather_workspace/base_directories.yaml",
        "../forgather_workspace/meta_defaults.yaml",
    ]


def test_tlist_md_is_the_forest_of_inheritance(workspace, forgather):
    write(
        workspace,
        "one/templates/configs/more.yaml",
        '-- extends "configs/plain.yaml"\n[extras]\n    -- include "more.part"\n'
        "#---- more.part ----\nx: 1\n",
    )
    outcome = forgather("tlist", "--format", "md")
    assert "- [base.yaml](templates/base.yaml)" in outcome.lines
    assert "    - [configs/plain.yaml](templates/configs/plain.yaml)" in outcome.lines
    assert "        - [configs/more.yaml](templates/configs/more.yaml)" in outcome.lines
    assert "- [more.part](templates/configs/more.yaml)" in outcome.lines
    rows = {row["template"]: row for row in json.loads(forgather("tlist", "--format", "json").out)}
    assert rows["more.part"]["inline"] is True
    assert rows["configs/plain.yaml"]["extends"] == "base.yaml"


def test_trefs_in_every_form(workspace, forgather):
    assert forgather("trefs").lines == ["templates/configs/plain.yaml", "templates/base.yaml"]
    assert forgather("trefs", "--format", "md").lines == [
        "- [configs/plain.yaml](templates/configs/plain.yaml)",
        "    - [base.yaml](templates/base.yaml)",
    ]
    assert forgather("trefs", "--format", "tree").lines == [
        "plain.yaml in One",
        "=================",
        "configs/plain.yaml",
        "└── base.yaml (extends)",
    ]
    dot = forgather("trefs", "--format", "dot").out
    assert '"configs/plain.yaml" -> "base.yaml";' in dot
    data = json.loads(forgather("trefs", "--format", "json").out)
    assert data["references"][0]["template"] == "base.yaml"


def test_trefs_sees_computed_references(workspace, forgather):
    write(workspace, "one/templates/configs/dyn.yaml", "-- set t = 'base.yaml'\n-- extends t\n")
    assert "templates/base.yaml" in forgather("-t", "dyn.yaml", "trefs").lines


def test_trefs_svg_needs_graphviz(workspace, forgather, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = forgather("trefs", "--format", "svg")
    assert outcome.status == 2
    assert "Graphviz" in outcome.err


@pytest.mark.parametrize("form", ["yaml", "repr", "fconfig", "python", "json"])
def test_graph_in_every_form(form, workspace, forgather):
    outcome = forgather("graph", "--format", form)
    assert outcome.status == 0, outcome.err
    assert "AdamW" in outcome.out
    if form == "python":
        compile(outcome.out, "graph", "exec")
    if form == "json":
        assert json.loads(outcome.out)


def test_graph_none_only_checks(workspace, forgather):
    assert forgather("graph", "--format", "none").out == ""


def test_code_of_a_target_runs(workspace, forgather):
    outcome = forgather("-t", "data.yaml", "-p", str(workspace / "two"), "code")
    assert outcome.status == 0
    namespace = {}
    exec(compile(outcome.out, "code", "exec"), namespace)
    assert namespace["construct"]() == [1, 2, 3]


def test_a_target_that_does_not_exist(workspace, forgather):
    for command in ("code", "construct"):
        outcome = forgather(command, "--target", "optimzer")
        assert outcome.status == 1
        assert "did you mean 'optimizer'?" in outcome.err


def test_construct_builds_and_prints(workspace, forgather):
    outcome = forgather("-p", str(workspace / "two"), "construct")
    assert (outcome.status, outcome.out) == (0, "[1, 2, 3]\n")


def test_construct_call(workspace, forgather):
    write(workspace, "one/templates/configs/c.yaml", "main: !partial:dict {a: 1}\nn: [1]\n")
    assert forgather("-t", "c.yaml", "construct", "--call").out == "{'a': 1}\n"
    outcome = forgather("-t", "c.yaml", "construct", "--call", "--target", "n")
    assert outcome.status == 2
    assert "not callable" in outcome.err


def test_a_constructor_that_fails_is_told_with_its_place(workspace, forgather):
    write(workspace, "one/templates/configs/c.yaml", "x: 1\nmain: !call:int [x1]\n")
    outcome = forgather("-t", "c.yaml", "construct")
    assert outcome.status == 1
    assert "configs/c.yaml:2" in outcome.err
    assert "invalid literal" in outcome.err


def test_looking_never_runs_what_a_config_names(workspace, forgather, tmp_path):
    flag = tmp_path / "ran"
    planted = tmp_path / "planted.py"
    planted.write_text(f"open({str(flag)!r}, 'w')\ndef f(): ...\n")
    write(
        workspace,
        "one/templates/configs/bad.yaml",
        f"a: !call:os:system ['touch {flag}']\nb: !call:{planted}:f []\n"
        f"meta: {{config_name: !call:os:system ['touch {flag}']}}\nmain: 1\n",
    )
    for command in ("ls", "pp", "targets", "trefs", "graph", "code", "blame", "check", "tlist"):
        forgather("-t", "bad.yaml", command)
    assert not flag.exists()
