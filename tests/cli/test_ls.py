"""``ls``: the listing, broken configs beside good ones, recursion, JSON."""

import json

from tests.cli.conftest import write


def test_it_lists_the_project_and_its_configs(workspace, forgather):
    outcome = forgather("ls")
    assert outcome.status == 0
    assert outcome.lines == [
        "One : the first project",
        f"    {'other.yaml':30} Other : A base",
        f"    {'[plain.yaml]':30} Plain : Nothing special",
    ]


def test_the_project_is_found_upwards_and_then_its_path_is_shown(workspace, forgather, monkeypatch):
    monkeypatch.chdir(workspace / "one" / "templates" / "configs")
    outcome = forgather("ls")
    assert outcome.status == 0
    assert outcome.lines[:4] == [
        "",
        f"Project Path: {workspace / 'one'}",
        "",
        "One : the first project",
    ]


def test_a_broken_config_is_marked_with_its_cause_and_the_others_still_list(workspace, forgather):
    write(workspace, "one/templates/configs/broken.yaml", "a: 1\nb: {{ nosuch }}\n")
    outcome = forgather("ls")
    assert outcome.status == 1
    (broken,) = (line for line in outcome.lines if "broken.yaml" in line)
    assert broken.startswith(f"    {'broken.yaml':30} PARSE ERROR : ")
    assert "templates/configs/broken.yaml:2: " in broken
    assert "nosuch" in broken
    assert sum("PARSE ERROR" in line for line in outcome.lines) == 1
    assert "Plain : Nothing special" in outcome.out


def test_debug_shows_the_whole_message(workspace, forgather):
    write(workspace, "one/templates/configs/broken.yaml", "b: {{ nosuch }}\n")
    assert "error[FG101]" in forgather("ls", "-d").err


def test_a_config_without_meta_is_not_broken(workspace, forgather):
    write(workspace, "one/templates/configs/bare.yaml", "main: 1\n")
    outcome = forgather("ls")
    assert outcome.status == 0
    assert f"    {'bare.yaml':30} bare" in outcome.lines


def test_one_config_does_not_change_another(workspace, forgather):
    """Inline templates belong to the file that has them."""
    write(workspace, "one/templates/configs/a.yaml", "-- include 'x.t'\n\n#--- x.t ---\nmain: 1\n")
    write(workspace, "one/templates/configs/b.yaml", "-- include 'x.t'\n")
    outcome = forgather("ls")
    assert outcome.status == 1
    broken = [line.split()[0] for line in outcome.lines if "PARSE ERROR" in line]
    assert broken == ["b.yaml"]


def test_recursive_lists_every_project_below(workspace, forgather):
    write(workspace, "two/nested/meta.yaml", '-- extends "meta_defaults.yaml"\n-- nonsense\n')
    outcome = forgather("-p", str(workspace), "ls", "-r")
    assert outcome.status == 1
    assert "One : the first project" in outcome.out
    assert f"Project Path: {workspace / 'two'}" in outcome.out
    assert f"    {'[data.yaml]':30} Data : plain data" in outcome.lines
    (broken,) = (line for line in outcome.lines if line.startswith("PARSE ERROR"))
    assert "nested/meta.yaml:2" in broken


def test_recursive_without_a_project_says_so(tmp_path, forgather, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome = forgather("ls", "-r")
    assert outcome.status == 1
    assert "no project at or below" in outcome.err


def test_projects_may_be_named(workspace, forgather):
    outcome = forgather("ls", "../two", "../one")
    assert outcome.status == 0
    assert outcome.out.index("Two : data only") < outcome.out.index("One : the first project")


def test_json(workspace, forgather):
    write(workspace, "one/templates/configs/broken.yaml", "b: {{ nosuch }}\n")
    outcome = forgather("ls", "--format", "json")
    assert outcome.status == 1
    (project,) = json.loads(outcome.out)
    assert project["name"] == "One"
    configs = {config["config"]: config for config in project["configs"]}
    assert configs["plain.yaml"]["default"] is True
    assert configs["plain.yaml"]["config_class"] == "type.training_script.causal_lm"
    assert configs["broken.yaml"]["error"]["line"] == 1
    assert configs["broken.yaml"]["error"]["code"] == "FG101"


def test_many_projects_are_listed_in_order_by_several_processes(workspace, forgather):
    for number in range(10):
        write(
            workspace,
            f"many/p{number}/meta.yaml",
            f'-- extends "meta_defaults.yaml"\n[configs]\nname: "P{number}"\n'
            'description: "d"\ndefault_config: "c.yaml"\n',
        )
        write(workspace, f"many/p{number}/templates/configs/c.yaml", "main: 1\n")
    outcome = forgather("-p", str(workspace / "many"), "ls", "-r")
    assert outcome.status == 0
    names = [line.split()[0] for line in outcome.lines if line.startswith("P") and ":" in line]
    assert [name for name in names if name != "Project"] == [f"P{n}" for n in range(10)]


def test_a_broken_meta_yaml_gets_the_whole_message(workspace, forgather):
    write(workspace, "one/meta.yaml", "name: {{ nosuch }}\n")
    outcome = forgather("ls")
    assert outcome.status == 1
    assert "meta.yaml:1:10: error[FG101]" in outcome.err
    data = json.loads(forgather("ls", "--format", "json").out)
    assert data[0]["error"]["code"] == "FG101"
