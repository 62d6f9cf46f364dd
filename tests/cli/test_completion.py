"""Completion: the scripts are valid, hold every command, and ask for what only the project knows."""

import shutil
import subprocess

import pytest

from forgather.cli import table


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


def test_configs_and_targets_for_the_scripts(workspace, forgather):
    assert forgather("completion", "--configs").lines == ["other.yaml", "plain.yaml"]
    assert "optimizer" in forgather("completion", "--targets").lines


def test_the_shell_must_be_named(forgather):
    outcome = forgather("completion")
    assert outcome.status == 2
    assert "bash|zsh|fish" in outcome.err
