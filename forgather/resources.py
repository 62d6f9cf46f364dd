"""Where Forgather's own files are: in a checkout, or beside an installed package."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from forgather.errors import ProjectError


@cache
def forgather_dir() -> Path:
    """The folder that holds ``templatelib/`` and ``modelsrc/``."""
    package = Path(__file__).resolve().parent
    for candidate in (package.parent, package / "share"):
        if (candidate / "templatelib").is_dir() and (candidate / "modelsrc").is_dir():
            return candidate
    raise ProjectError(
        f"templatelib and modelsrc were not found beside {package}",
        hint="install Forgather again: the installation is not complete",
    )


def modelsrc_dir() -> Path:
    return forgather_dir() / "modelsrc"
