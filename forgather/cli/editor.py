"""Open files in the user's editor: VS Code's remote command line, ``$EDITOR``, else vim."""

from __future__ import annotations

import glob
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from forgather.errors import UsageError

SERVER = "FORGATHER_VIM_SERVER"


def editor_command(path: Path | str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """The command that opens ``path``.

    Inside VS Code (``VSCODE_IPC_HOOK_CLI`` is set) its own command line is used. A vim with
    ``FORGATHER_VIM_SERVER`` set opens a tab in the server of that name.
    """
    if "VSCODE_IPC_HOOK_CLI" in environment and (code := _remote_code()):
        return [code, "-r", str(path)]
    command = shlex.split(environment.get("EDITOR") or "vim")
    program = os.path.basename(command[0])
    if program == "code":
        command.append("-r")
    elif program in ("vim", "nvim") and environment.get(SERVER) and _has_clientserver(command[0]):
        command += ["--servername", environment[SERVER], "--remote-tab"]
    return [*command, str(path)]


def open_in_editor(path: Path | str) -> None:
    command = editor_command(path)
    try:
        status = subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        raise UsageError(
            f"cannot run the editor {command[0]!r}", hint="set EDITOR to a program that exists"
        ) from None
    if status:
        raise UsageError(f"the editor {command[0]!r} ended with status {status}")


def _remote_code() -> str | None:
    pattern = os.path.expanduser("~/.vscode-server/bin/*/bin/remote-cli/code")
    usable = [path for path in sorted(glob.glob(pattern)) if os.access(path, os.X_OK)]
    return usable[-1] if usable else None


def _has_clientserver(program: str) -> bool:
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return False
    return "+clientserver" in shown.stdout
