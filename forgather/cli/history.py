"""The shell's history: ``.forgather_history`` in the workspace, shared by all shells in it.

Lines are appended under a file lock, so that two shells do not lose each other's; the last 1000 are
kept.
"""

from __future__ import annotations

import fcntl
import os
import readline

from forgather.errors import ForgatherError
from forgather.meta_config import MetaConfig

LENGTH = 1000


class History:
    """Reads at the start, appends what is new at the end or when the workspace is left."""

    def __init__(self) -> None:
        self.path: str | None = None
        self.known = 0

    def load(self) -> None:
        self.path = _history_file()
        readline.clear_history()
        if self.path and os.path.exists(self.path):
            readline.read_history_file(self.path)
        self.known = readline.get_current_history_length()

    def save(self) -> None:
        new = readline.get_current_history_length() - self.known
        if self.path is None or new <= 0:
            return
        lines = [readline.get_history_item(self.known + 1 + index) for index in range(new)]
        with open(self.path, "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            kept = [*file.read().splitlines(), *lines][-LENGTH:]
            file.truncate(0)
            file.write("".join(f"{line}\n" for line in kept))
        self.known += new

    def move(self) -> None:
        """After ``cd``: another workspace has another history."""
        if _history_file() != self.path:
            self.save()
            self.load()


def _history_file() -> str | None:
    """None outside of workspaces."""
    try:
        root = os.path.dirname(MetaConfig.find_workspace_dir("."))
    except ForgatherError:
        return None
    return os.path.join(root, ".forgather_history")
