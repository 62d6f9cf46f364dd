"""Completion: the scripts are valid, hold every command, and ask for what only the project knows."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forgather.cli import table
from forgather.make.kinds import KINDS

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_hold_every_command(shell, forgather):
    outcome = forgather("completion", shell)
    assert outcome.status == 0
    for name in table.SUMMARIES:
        assert name in outcome.out
    assert "completion --configs" in outcome.out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_valid(shell, forgather):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = forgather("completion", shell).out
    done = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def complete(forgather, *words: str, path: str) -> list[str]:
    """What bash offers for the last word."""
    script = forgather("completion", "bash").out
    quoted = " ".join(f"'{word}'" for word in words)
    ask = f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _forgather; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "-c", script + ask],
        text=True,
        capture_output=True,
        check=True,
        env={"PATH": path, "HOME": "/"},
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["forgather", "tar"], ["targets"]),
        (["forgather", "ls", "--rec"], ["--recursive"]),
        (["forgather", "ls", "--format", ""], ["text", "json"]),
        (["forgather", "logs", "pl"], ["plot"]),
        (["forgather", "logs", "plot", "--smo"], ["--smooth"]),
        (["forgather", "-t", "x.yaml", "pp", "--ann"], ["--annotate"]),
    ],
)
def test_bash_offers(words, offered, forgather):
    assert complete(forgather, *words, path="/usr/bin:/bin") == offered


@pytest.fixture
def installed(workspace, tmp_path, monkeypatch):
    """A ``forgather`` that the scripts can ask; one config is built, and only its plan is known."""
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    program = tmp_path / "bin" / "forgather"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec {sys.executable} -m forgather.cli "$@"\n'
    )
    program.chmod(0o755)
    (workspace / "dodo.py").write_text("def task_deploy():\n    pass\n")
    return f"{program.parent}:/usr/bin:/bin"


def complete_line(forgather, line: str, path: str) -> list[str]:
    """What bash offers at the end of ``line``, which it breaks at colons into words."""
    script = forgather("completion", "bash").out
    words = line.replace(":", " : ").split() + ([""] if line[-1] in " :" else [])
    quoted = " ".join(f"'{word}'" for word in words)
    ask = (
        f"COMP_LINE='{line}'; COMP_POINT={len(line)}; COMP_WORDS=({quoted}); "
        f"COMP_CWORD={len(words) - 1}; _forgather; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(
        ["bash", "-c", script + ask], text=True, capture_output=True, check=True, env=environment
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("forgather build mo", ["model"]),
        ("forgather build de", ["deploy"]),
        ("forgather build pp:one", ["one", "one/other"]),
        ("forgather build -n 2 pp:t", ["two"]),
        ("forgather -p ../two build graph:tw", ["two"]),
        ("forgather build --rep", ["--reporter"]),
        ("forgather build --reporter ju", ["junit"]),
        ("forgather watch on", ["one", "one/other"]),
        ("forgather watch pp:one/", ["one/other"]),
        ("forgather why tw", ["two"]),
        ("forgather doit for", ["forget"]),
        ("forgather doit forget pp:two", ["two"]),
        ("forgather build nosuch:", []),
    ],
)
def test_bash_completes_tasks(line, offered, installed, forgather):
    assert complete_line(forgather, line, installed) == offered


def test_a_bash_that_breaks_no_words_at_colons_gets_whole_names(installed, forgather):
    script = forgather("completion", "bash").out
    line = "forgather build pp:tw"
    ask = (
        f"COMP_WORDBREAKS=' '; COMP_LINE='{line}'; COMP_POINT={len(line)}; "
        'COMP_WORDS=(forgather build pp:tw); COMP_CWORD=2; _forgather; echo "${COMPREPLY[@]}"'
    )
    environment = {**os.environ, "PATH": installed}
    done = subprocess.run(["bash", "-c", script + ask], text=True, stdout=-1, env=environment)
    assert done.stdout.split() == ["pp:two"]


def test_typed_into_a_real_bash(installed, forgather, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(forgather("completion", "bash").out)
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {**os.environ, "PATH": installed, "PS1": "$ ", "TERM": "dumb"}
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environment)

    def typed(text: str, expected: str) -> None:
        os.write(terminal, text.encode())
        seen, end = "", time.monotonic() + 30
        while expected not in seen:
            assert time.monotonic() < end and select.select([terminal], [], [], 30)[0], seen
            seen += os.read(terminal, 65536).decode(errors="replace")

    try:
        typed("bind 'set enable-bracketed-paste off'; echo re''ady\n", "ready")
        typed(f"source {script}; echo sour''ced\n", "sourced")
        typed("forgather build pp:tw\t#", "pp:two #")
        typed("\x15forgather watch one/o\t#", "one/other #")
        typed("\x15forgather build gra\t:tw\t#", "graph:two #")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def test_names_of_tasks_for_the_scripts(installed, workspace, forgather):
    assert forgather("completion", "--tasks").lines == [*KINDS, "deploy"]
    assert forgather("completion", "--tasks", "pp:o").lines == ["pp:one", "pp:one/other"]
    assert forgather("completion", "--ids").lines == ["one", "one/other", "two"]
    assert forgather("completion", "--ids", "t", "--tasks", "t").lines == [
        "two",
        "tokenizer",
        "train",
    ]
    assert not (workspace / "build").exists()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_ask_for_tasks_too(shell, forgather):
    script = forgather("completion", shell).out
    for part in ("--tasks", "--ids", "forget"):
        assert part in script


def test_configs_and_targets_for_the_scripts(workspace, forgather):
    assert forgather("completion", "--configs").lines == ["other.yaml", "plain.yaml"]
    assert "optimizer" in forgather("completion", "--targets").lines


def test_the_shell_must_be_named(forgather):
    outcome = forgather("completion")
    assert outcome.status == 2
    assert "bash|zsh|fish" in outcome.err
