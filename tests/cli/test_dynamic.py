"""Options that a config defines: passed only when given, checked, and told with their place."""

import json

import pytest

from tests.cli.conftest import write


def main_of(outcome) -> str:
    return "\n".join(outcome.lines[outcome.lines.index("main: !call:dict") :])


def define(workspace, *lines: str) -> None:
    text = (
        "dynamic_args:\n"
        + "".join(f"    {line}\n" for line in lines)
        + "main: {{ x|default(0) }}\n"
    )
    write(workspace, "one/templates/configs/dyn.yaml", text)


def test_what_is_given_reaches_the_templates(workspace, forgather):
    outcome = forgather("pp", "--lr", "0.25", "--mode", "slow")
    assert "    lr: 0.25" in outcome.lines
    assert "mode: slow" in main_of(outcome)


def test_a_flag_that_is_absent_is_not_passed(workspace, forgather):
    assert "flag: True" in main_of(forgather("pp"))  # the template's own default
    assert "flag: True" in main_of(forgather("pp", "-F"))


def test_help_lists_the_options_of_the_config(workspace, forgather):
    outcome = forgather("pp", "--help")
    assert outcome.status == 0
    assert "options of this config" in outcome.out
    assert "learning rate, 100% yours" in outcome.out


def test_help_works_for_a_broken_config(workspace, forgather):
    write(workspace, "one/templates/configs/broken.yaml", "b: {{ nosuch }}\n")
    outcome = forgather("-t", "broken.yaml", "pp", "--help")
    assert outcome.status == 0
    assert "--annotate" in outcome.out
    assert "'nosuch'" in outcome.err


def test_a_value_of_the_wrong_type_names_the_argument_and_its_place(workspace, forgather):
    outcome = forgather("pp", "--lr", "fast")
    assert outcome.status == 2
    assert "--lr takes a value of type float, not 'fast'" in outcome.err
    assert f"{workspace / 'one/templates/base.yaml'}:11:" in outcome.err


def test_a_value_that_is_no_choice_names_the_place(workspace, forgather):
    outcome = forgather("pp", "--mode", "medium")
    assert outcome.status == 2
    assert "invalid choice: 'medium'" in outcome.err
    assert f"{workspace / 'one/templates/base.yaml'}:16:" in outcome.err


def test_a_mistyped_option_of_the_config(workspace, forgather):
    outcome = forgather("pp", "--mod", "fast")
    assert outcome.status == 2
    assert "did you mean '--mode'?" in outcome.err


def test_no_dyn_does_not_read_them(workspace, forgather):
    assert forgather("--no-dyn", "pp").status == 0
    outcome = forgather("--no-dyn", "pp", "--lr", "1")
    assert outcome.status == 2
    assert "unrecognized arguments: --lr" in outcome.err


def test_the_config_may_be_chosen_after_the_command(workspace, forgather):
    define(workspace, "- {names: --x, type: int}")
    outcome = forgather("pp", "--x", "3", "-t", "dyn.yaml")
    assert "main: 3" in outcome.lines


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("int", "3", 3),
        ("float", "1e-3", 0.001),
        ("str", "3", "3"),
        ("bool", "Yes", True),
        ("bool", "off", False),
    ],
)
def test_types(kind, given, value, workspace, forgather):
    text = f"dynamic_args:\n- {{names: --x, type: {kind}}}\nmain: {{{{ repr(x|default(0)) }}}}\n"
    write(workspace, "one/templates/configs/dyn.yaml", text)
    assert f"main: {value!r}" in forgather("-t", "dyn.yaml", "pp", "--x", given).lines


def test_a_path_expands_the_home_directory(workspace, forgather, monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    define(workspace, "- {names: --x, type: path}")
    outcome = forgather("-t", "dyn.yaml", "pp", "--x", "~/data")
    assert "main: /home/someone/data" in outcome.lines


def test_a_default_in_the_definition_is_ignored(workspace, forgather):
    define(workspace, "- {names: --x, type: int, default: 7}")
    assert "main: 0" in forgather("-t", "dyn.yaml", "pp").lines


def test_definitions_may_be_a_dlist(workspace, forgather):
    text = "dynamic_args: !dlist\n    x: {names: --x, type: int}\nmain: {{ x|default(0) }}\n"
    write(workspace, "one/templates/configs/dyn.yaml", text)
    assert "main: 5" in forgather("-t", "dyn.yaml", "pp", "--x", "5").lines


def test_several_values(workspace, forgather):
    define(workspace, "- {names: [-x, --x], nargs: '+', type: int}")
    assert "main: [1, 2]" in forgather("-t", "dyn.yaml", "pp", "-x", "1", "2").lines


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("""- names: '--x"'""", "is not an option name"),
        ("- names: x", "is not an option name"),
        ("- names: -x", "has no long name"),
        ("- names: []", "must be an option string or a list"),
        ("- {type: int}", "must be an option string or a list"),
        ("- {names: --x, type: integer}", "unknown type 'integer'"),
        ("- {names: --x, typ: int}", "unknown setting 'typ'"),
        ("- {names: --x, action: store_tru}", "unknown action 'store_tru'"),
        ("- {names: --x, action: store_true, type: int}", "dynamic argument '--x'"),
        ("- {names: --output-file}", "conflicting option string"),
        ("- --x", "expected a mapping"),
        ("- {names: --x, choices: !call:os:listdir [.]}", "must be plain data"),
    ],
)
def test_a_wrong_definition_is_told_with_its_line(entry, message, workspace, forgather):
    define(workspace, "- {names: --ok}", entry)
    outcome = forgather("-t", "dyn.yaml", "pp")
    assert outcome.status == 1
    assert message in outcome.err
    assert "error[FG150]" in outcome.err
    assert "configs/dyn.yaml:3" in outcome.err


def test_the_config_is_loaded_once_when_nothing_is_given(workspace, forgather, monkeypatch):
    from forgather import project

    loads = []
    original = project.Project.__init__

    def counting(self, *args, **kwargs):
        loads.append(args)
        original(self, *args, **kwargs)

    monkeypatch.setattr(project.Project, "__init__", counting)
    forgather("pp")
    assert len(loads) == 1


def test_train_passes_dynamic_arguments_to_the_build(workspace, forgather, monkeypatch):
    from forgather.make import train_command

    calls = []
    monkeypatch.setattr(train_command, "run_train", lambda *args, **_: calls.append(args) or 0)
    outcome = forgather("train", "--lr", "0.1", "-d", "0,1", "--dry-run", "--", "--nnodes", "2")
    assert outcome.status == 0
    ((project, config, values, devices, dry_run, extra),) = calls
    assert (project, config) == (str(workspace / "one"), "plain.yaml")
    assert (values, devices, dry_run) == ({"lr": 0.1}, "0,1", True)
    assert extra == ["--nnodes", "2"]


def test_only_training_scripts_can_be_trained(workspace, forgather):
    for command in ("train", "tb"):
        outcome = forgather("-p", str(workspace / "two"), command, "--dry-run")
        assert outcome.status == 1
        assert "is not a training script" in outcome.err
        assert "data.yaml:4" in outcome.err


def test_devices_are_checked(workspace, forgather):
    outcome = forgather("train", "-d", "0;1", "--dry-run")
    assert outcome.status == 2
    assert "--devices" in outcome.err


def test_tb_prints_its_command(workspace, forgather):
    one = workspace / "one"
    outcome = forgather("tb", "--dry-run", "--", "--port", "7")
    assert outcome.lines == [f"tensorboard --logdir {one}/output_models/plain --port 7"]
    outcome = forgather("tb", "--all", "--dry-run")
    assert outcome.lines == [f"tensorboard --logdir {one}/output_models"]


def test_json_of_a_config_class(workspace, forgather):
    (two,) = json.loads(forgather("ls", "../two", "--format", "json").out)
    assert two["configs"][0]["config_class"] == "type.dataset"
