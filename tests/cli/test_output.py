"""``-o`` and ``-e``: where output goes, and which editor opens it."""

import sys

import pytest

from forgather.cli import editor
from forgather.cli.editor import editor_command


def test_output_file(workspace, forgather, tmp_path):
    target = tmp_path / "deep" / "out.yaml"
    outcome = forgather("pp", "-o", str(target))
    assert (outcome.status, outcome.out) == (0, "")
    assert f"Wrote output to {target}" in outcome.err
    assert target.read_text() == forgather("pp").out


def test_an_output_file_that_cannot_be_written(workspace, forgather):
    outcome = forgather("pp", "-o", "/dev/null/x")
    assert outcome.status == 2
    assert "cannot write /dev/null/x" in outcome.err


def test_edit_writes_below_tmp_and_opens_the_editor(workspace, forgather, monkeypatch, tmp_path):
    script = tmp_path / "ed.py"
    script.write_text("import sys, pathlib; pathlib.Path(sys.argv[1] + '.opened').touch()\n")
    monkeypatch.delenv("VSCODE_IPC_HOOK_CLI", raising=False)
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    outcome = forgather("pp", "-e")
    assert outcome.status == 0
    assert (workspace / "one/tmp/plain_pp.yaml").exists()
    assert (workspace / "one/tmp/plain_pp.yaml.opened").exists()


def test_an_editor_that_does_not_exist(workspace, forgather, monkeypatch):
    monkeypatch.setenv("EDITOR", "no-such-editor")
    outcome = forgather("pp", "-e")
    assert outcome.status == 2
    assert "no-such-editor" in outcome.err


@pytest.mark.parametrize(
    ("environment", "command"),
    [
        ({}, ["vim", "f"]),
        ({"EDITOR": "nano -w"}, ["nano", "-w", "f"]),
        ({"EDITOR": "code"}, ["code", "-r", "f"]),
        ({"EDITOR": "nano", "FORGATHER_VIM_SERVER": "x"}, ["nano", "f"]),
    ],
)
def test_the_choice_of_editor(environment, command):
    assert editor_command("f", environment) == command


def test_a_vim_server_gets_a_tab(monkeypatch):
    monkeypatch.setattr(editor, "_has_clientserver", lambda program: True)
    assert editor_command("f", {"FORGATHER_VIM_SERVER": "forgather"}) == [
        "vim", "--servername", "forgather", "--remote-tab", "f",
    ]  # fmt: skip


def test_vs_code_is_used_from_inside_it(monkeypatch):
    monkeypatch.setattr(editor, "_remote_code", lambda: "/bin/code")
    assert editor_command("f", {"VSCODE_IPC_HOOK_CLI": "/s", "EDITOR": "vi"}) == [
        "/bin/code", "-r", "f",
    ]  # fmt: skip
