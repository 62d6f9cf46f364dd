"""``forgather`` and ``doit`` as they are typed into a shell, in a workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.integration import forked

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def tasks(self, mark: str) -> set[str]:
        """The tasks in lines that begin with ``mark``: "." is built or restored, "--" is current."""
        lines = (line.split() for line in self.lines)
        return {words[1] for words in lines if words[:1] == [mark]}


@dataclass
class Shell:
    """Real processes in ``folder``, with a cache of their own."""

    folder: Path
    cache: Path

    def forgather(self, *arguments: str, folder: Path | None = None, **variables: str) -> Done:
        return self._run("forgather.cli", arguments, folder, variables)

    def doit(self, *arguments: str, folder: Path | None = None, **variables: str) -> Done:
        return self._run("doit", arguments, folder, variables)

    def environment(self, **variables: str) -> dict[str, str]:
        own = {"FORGATHER_CACHE_DIR": str(self.cache), "PYTHONPATH": str(REPOSITORY)}
        return {**os.environ, **own, **variables}

    def _run(self, module, arguments, folder, variables) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=folder or self.folder,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def forgather(root: Path, *arguments: str, **variables: str | None) -> forked.Outcome:
    """``forgather`` in a fork of this process: quicker than a new one, and as good."""
    from forgather.cli.main import main

    if "doit.cmd_run" not in sys.modules:
        forked.warm()
    environment = {"FORGATHER_CACHE_DIR": str(root.with_name(f"{root.name}-cache")), **variables}
    with TemporaryDirectory(prefix="typed-") as scratch:
        child = forked.start_call(root, lambda: main(arguments), environment, Path(scratch))
        return forked.wait(child, Path(scratch))
