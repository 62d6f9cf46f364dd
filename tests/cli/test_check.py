"""``check``: what it finds, where it says it is, its reports, and that it runs nothing."""

import json

import pytest

from tests.cli.conftest import write


@pytest.fixture
def wrong(workspace):
    """A config with one wrong argument, and the line of it."""
    write(
        workspace,
        "one/templates/configs/wrong.yaml",
        "main: !call:fnmatch:fnmatch\n    name: a\n    pat: b\n    pta: c\n",
    )
    return workspace


def test_good_configs_pass(workspace, forgather):
    outcome = forgather("check", "plain.yaml", "other.yaml")
    assert outcome.status == 0
    assert outcome.out == "2 configs checked: 0 errors\n"


def test_an_argument_that_a_constructor_does_not_take(workspace, forgather):
    write(
        workspace,
        "one/templates/configs/wrong.yaml",
        "main: !call:torch.nn:Linear\n    in_features: 1\n    out_featres: 2\n",
    )
    outcome = forgather("check", "wrong.yaml")
    assert outcome.status == 1
    assert "error[FG308]: torch.nn:Linear has no argument 'out_featres'" in outcome.out
    assert "configs/wrong.yaml:3" in outcome.out
    assert "did you mean 'out_features'?" in outcome.out
    assert "is missing the argument 'out_features'" in outcome.out
    assert "in the graph: main" in outcome.out


def test_an_override_that_no_parent_has_is_an_error_here(workspace, forgather):
    text = '-- extends "base.yaml"\n[optimiser]\noptimizer: 1\n'
    write(workspace, "one/templates/configs/typo.yaml", text)
    outcome = forgather("check", "typo.yaml")
    assert outcome.status == 1
    assert "error[FG140]" in outcome.out
    assert "configs/typo.yaml:2" in outcome.out


def test_a_config_that_does_not_render_is_a_finding(workspace, forgather):
    write(workspace, "one/templates/configs/broken.yaml", "b: {{ nosuch }}\n")
    outcome = forgather("check", "broken.yaml")
    assert outcome.status == 1
    assert "error[FG101]" in outcome.out


def test_without_names_the_whole_workspace_is_checked(wrong, forgather):
    write(wrong, "three/meta.yaml", "a: {{ nosuch }}\n")
    outcome = forgather("check")
    assert outcome.status == 1
    assert "5 configs checked: 2 errors" in outcome.out
    assert "three/meta.yaml:1" in outcome.out


def test_the_same_slip_in_a_base_is_told_once(workspace, forgather):
    base = workspace / "one/templates/base.yaml"
    base.write_text(base.read_text().replace("main: !call:dict", "main: !call:dct"))
    outcome = forgather("check")
    assert outcome.out.count("there is no builtin 'dct'") == 1


def test_a_config_that_does_not_exist(workspace, forgather):
    outcome = forgather("check", "nosuch.yaml")
    assert outcome.status == 1
    assert "has no config 'nosuch.yaml'" in outcome.out


def test_strict_lists_keys_that_come_twice(workspace, forgather):
    text = "main: {a: 1}\n.define: 1\n.define: 2\nx: !dlist {a: 1, a: 2}\nmain: 3\n"
    write(workspace, "one/templates/configs/dup.yaml", text)
    assert forgather("check", "dup.yaml").out == "1 config checked: 0 errors\n"
    outcome = forgather("check", "--strict", "dup.yaml")
    assert outcome.status == 0
    assert "configs/dup.yaml:5:1: note[FG220]: the key 'main' is here again" in outcome.out
    assert "configs/dup.yaml:1" in outcome.out
    assert outcome.lines[-1] == "1 config checked: 0 errors, 1 note"


def test_json_report(wrong, forgather):
    data = json.loads(forgather("check", "wrong.yaml", "--format", "json").out)
    (finding,) = data["findings"]
    assert data["configs"] == 1
    assert (finding["code"], finding["line"], finding["level"]) == ("FG308", 4, "error")
    assert finding["path"] == "main"


def test_sarif_report(wrong, forgather):
    data = json.loads(forgather("check", "wrong.yaml", "--format", "sarif").out)
    assert data["version"] == "2.1.0"
    (result,) = data["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "templates/configs/wrong.yaml"
    assert location["region"]["startLine"] == 4
    assert {"id": "FG308"} in data["runs"][0]["tool"]["driver"]["rules"]


def test_github_report(wrong, forgather):
    outcome = forgather("check", "wrong.yaml", "--format", "github")
    assert outcome.status == 1
    (line,) = outcome.lines
    assert line.startswith("::error file=templates/configs/wrong.yaml,line=4,")
    assert "%0Ahint: did you mean 'pat'?" in line


def test_several_processes_give_the_same_report(wrong, forgather):
    alone = forgather("check", "-j", "1")
    together = forgather("check", "-j", "2")
    assert alone.out == together.out
