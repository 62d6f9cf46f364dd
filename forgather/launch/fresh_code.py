"""A worker compiles the user's Python files as they are.

Python takes a module's compiled form from ``__pycache__`` if date and size of the source are those that
it was compiled from. An edit that keeps both is not seen: the build, which compares contents, would run
the step again, and the step would run the old code.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from importlib.machinery import SourceFileLoader
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def compile_users_code() -> None:
    """From now on, in this process, compiled forms of files that were not installed are not used."""
    paths = sysconfig.get_paths()
    installed = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders = tuple(
        os.path.join(folder, "") for folder in {PACKAGE, sys.prefix, sys.base_prefix, *installed}
    )
    path_stats = SourceFileLoader.path_stats

    def stats(loader: SourceFileLoader, path: str) -> Any:
        if os.path.abspath(path).startswith(folders):
            return path_stats(loader, path)
        raise OSError("not to be had")  # importlib then reads and writes no compiled form

    SourceFileLoader.path_stats = stats  # type: ignore[method-assign]
