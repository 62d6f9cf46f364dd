"""The command line as a whole: help, version, wrong usage, exit codes, what start-up imports."""

import json
import os
import subprocess
import sys

import pytest

from forgather.cli import main as module
from forgather.cli import table

HEAVY = ("torch", "transformers", "datasets", "matplotlib", "numpy", "accelerate", "doit")


def run_process(*argv: str, **keywords) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "forgather.cli", *argv]
    return subprocess.run(command, capture_output=True, text=True, check=False, **keywords)


def test_without_a_command_the_help_is_shown(forgather):
    outcome = forgather()
    assert outcome.status == 0
    for name, summary in table.SUMMARIES.items():
        assert f"  {name}" in outcome.out
        assert summary in outcome.out


def test_version(forgather):
    outcome = forgather("--version")
    assert outcome.status == 0
    assert outcome.out.startswith("forgather ")


def test_an_unknown_command_is_wrong_usage_and_the_nearest_is_offered(forgather):
    outcome = forgather("tragets")
    assert outcome.status == 2
    assert outcome.out == ""
    assert "there is no command 'tragets'" in outcome.err
    assert "did you mean 'targets'?" in outcome.err


@pytest.mark.parametrize("name", table.SUMMARIES)
def test_every_command_has_help(name, forgather, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no project here, and none is needed
    outcome = forgather(name, "--help")
    assert outcome.status == 0
    assert outcome.out.startswith("usage: forgather " + name)


def test_a_mistyped_option_is_wrong_usage_with_the_nearest(forgather):
    outcome = forgather("ls", "--recursiv")
    assert outcome.status == 2
    assert "unrecognized arguments: --recursiv" in outcome.err
    assert "did you mean '--recursive'?" in outcome.err


def test_an_option_is_not_taken_for_its_prefix(forgather):
    assert forgather("ls", "--rec").status == 2


def test_a_wrong_choice_is_wrong_usage(forgather):
    outcome = forgather("ls", "--format", "xml")
    assert outcome.status == 2
    assert "invalid choice: 'xml'" in outcome.err


def test_a_missing_argument_is_wrong_usage(forgather):
    outcome = forgather("ws", "create", "--name", "x")
    assert outcome.status == 2
    assert "--description" in outcome.err


def test_an_action_is_required(forgather):
    assert forgather("logs").status == 2


def test_options_may_stand_before_and_after_the_command(workspace, forgather):
    before = forgather("-p", str(workspace / "two"), "targets")
    after = forgather("targets", "-p", str(workspace / "two"))
    assert before.status == after.status == 0
    assert before.out == after.out == "meta\nmain\n"


def test_what_stands_after_the_command_wins(workspace, forgather):
    two = str(workspace / "two")
    assert forgather("-p", "/nowhere", "targets", "-p", two).out == "meta\nmain\n"


def test_an_interrupt_is_exit_code_130(workspace, forgather, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_command", interrupted)
    assert forgather("ls").status == 130


def test_a_bug_keeps_its_traceback(monkeypatch, forgather):
    def broken(*_):
        raise RuntimeError("our mistake")

    monkeypatch.setattr(module, "run_command", broken)
    with pytest.raises(RuntimeError, match="our mistake"):
        forgather("ls")


def test_start_up_imports_nothing_heavy(workspace):
    check = (
        "import json, sys\n"
        "from forgather.cli.main import main\n"
        "status = [main(line.split()) for line in sys.argv[1:]]\n"
        f"print(json.dumps([status, [m for m in {HEAVY!r} if m in sys.modules]]))\n"
    )
    lines = ["ls", "ls -r ..", "pp", "targets", "meta", "index", "tlist", "trefs", "graph", "blame"]
    done = subprocess.run(
        [sys.executable, "-c", check, *lines], capture_output=True, text=True, check=True
    )
    status, found = json.loads(done.stdout.splitlines()[-1])
    assert status == [0] * len(lines), done.stderr
    assert found == []


def test_help_imports_no_template_engine():
    check = (
        "import sys\n"
        "from forgather.cli.main import main\n"
        "main([]), main(['ls', '--help'])\n"
        "print([m for m in ('jinja2', 'yaml') if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_a_closed_pipe_is_no_error(workspace):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "forgather.cli", "tlist"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    assert done.returncode == 0


def test_errors_go_to_stderr_without_colour_in_a_pipe(workspace):
    done = run_process("-t", "nosuch.yaml", "pp")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "\x1b" not in done.stderr
    assert "nosuch.yaml" in done.stderr


def test_outside_of_a_project_the_message_says_so(tmp_path, monkeypatch, forgather):
    monkeypatch.chdir(tmp_path)
    outcome = forgather("ls")
    assert outcome.status == 1
    assert "meta.yaml" in outcome.err
