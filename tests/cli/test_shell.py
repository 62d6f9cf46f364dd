"""The interactive shell: its own commands, forgather's, and what it remembers."""

import os

import pytest

from forgather.cli.main import main
from forgather.cli.shell import Shell, numbers
from forgather.errors import UsageError


@pytest.fixture
def shell(workspace):
    return Shell(main)


def test_a_line_is_a_forgather_command(shell, capsys):
    assert shell.onecmd("targets") is False
    shown = capsys.readouterr()
    assert "optimizer" in shown.out.splitlines()
    assert "Executing: forgather targets" in shown.err


def test_the_chosen_config_is_used(shell, capsys):
    shell.onecmd("config other.yaml")
    assert shell.prompt == "forgather:one [other.yaml]> "
    shell.onecmd("targets")
    assert "extra" in capsys.readouterr().out.splitlines()
    shell.onecmd("-t plain.yaml targets")
    assert "extra" not in capsys.readouterr().out.splitlines()


def test_configs_marks_the_chosen_one(shell, capsys):
    shell.onecmd("configs")
    assert capsys.readouterr().out.splitlines() == ["  other.yaml", "* plain.yaml"]


def test_cd_forgets_the_config(shell, capsys, workspace):
    shell.onecmd("config other.yaml")
    shell.onecmd("cd ../two")
    shell.onecmd("pwd")
    assert capsys.readouterr().out.strip() == str(workspace / "two")
    assert shell.prompt == "forgather:two> "


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("config nosuch.yaml", "there is no config 'nosuch.yaml'"),
        ("cd /nowhere", "cd /nowhere"),
        ("tragets", "did you mean 'targets'?"),
        ("pp 'open", "cannot read the line"),
        ("pp --nosuch", "unrecognized arguments"),
    ],
)
def test_a_mistake_is_told_and_the_shell_goes_on(line, message, shell, capsys):
    assert shell.onecmd(line) is False
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("line", ["exit", "quit", "EOF"])
def test_leaving(line, shell):
    assert shell.onecmd(line) is True


def test_an_empty_line_does_nothing(shell, capsys):
    assert shell.onecmd("") is False
    assert capsys.readouterr().out == ""


def test_debug_shows_tracebacks(shell, capsys, monkeypatch):
    monkeypatch.delenv("FORGATHER_DEBUG", raising=False)
    shell.onecmd("debug")
    shell.onecmd("-t nosuch.yaml pp")
    assert "Traceback" in capsys.readouterr().err
    shell.onecmd("debug")
    shell.onecmd("-t nosuch.yaml pp")
    assert "Traceback" not in capsys.readouterr().err


def test_help_names_everything(shell, capsys):
    shell.onecmd("help")
    shown = capsys.readouterr().out
    assert "cd DIR" in shown
    assert "edit [FILE]" in shown
    shell.onecmd("help ls")
    assert "--recursive" in capsys.readouterr().out


def test_completion(shell):
    assert shell.completenames("tar") == ["targets"]
    assert shell.completedefault("o", "config o", 7, 8) == ["other.yaml"]
    assert "optimizer" in shell.completedefault("opt", "code --target opt", 14, 17)


def test_history_is_kept_in_the_workspace(shell, workspace, monkeypatch):
    import readline

    shell.preloop()
    readline.add_history("targets")
    shell.postloop()
    assert (workspace / ".forgather_history").read_text().splitlines()[-1] == "targets"


def test_history_of_two_shells_is_not_lost(workspace):
    import readline

    for line in ("first", "second"):
        shell = Shell(main)
        shell.preloop()
        readline.add_history(line)
        shell.postloop()
    assert (workspace / ".forgather_history").read_text().split() == ["first", "second"]


def test_edit_creates_a_missing_file_on_request(shell, workspace, monkeypatch):
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.delenv("VSCODE_IPC_HOOK_CLI", raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    shell.onecmd("edit templates/configs/new.yaml")
    assert os.path.exists(workspace / "one/templates/configs/new.yaml")


def test_edit_offers_a_menu(shell, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("forgather.cli.editor.open_in_editor", opened.append)
    monkeypatch.setattr("builtins.input", lambda prompt: "1-2")
    shell.onecmd("edit")
    assert len(opened) == 2
    assert opened[0].endswith("base_directories.yaml")


def test_numbers():
    assert numbers("1,3,5-7", 9) == [1, 3, 5, 6, 7]
    assert numbers("", 9) == []
    for wrong in ("0", "10", "x", "2-x"):
        with pytest.raises(UsageError):
            numbers(wrong, 9)


def test_the_option_starts_it(workspace, forgather, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("pwd\nexit\n"))
    monkeypatch.setattr(Shell, "use_rawinput", False)
    outcome = forgather("-i")
    assert outcome.status == 0
    assert str(workspace / "one") in outcome.out
