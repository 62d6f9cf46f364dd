"""Debian packages unpacked into a cache folder: nothing is installed and the machine stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

FETCH_SECONDS = 120


class Unavailable(Exception):
    """Why the packages are not to be had here."""


def cache_folder(name: str) -> Path:
    """Where a tree stays from one run of the tests to the next."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "forgather-tests" / name


def unpack(packages: Sequence[str], tree: Path, program: str) -> Path:
    """``tree``, which takes the place of ``/`` for the packages and all they need.

    program: a file of them, by which a tree that is there already is known. Raises Unavailable.
    """
    if (tree / program).exists():
        return tree
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise Unavailable(f"the packages are Debian's, and there is no {tool}")
    tree.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=tree.parent) as scratch:
        archives = Path(scratch, "archives")
        (archives / "partial").mkdir(parents=True)
        _run(
            "apt-get",
            "--yes",
            "--no-install-recommends",
            "--download-only",
            f"--option=Dir::Cache::archives={archives}",
            "--option=Debug::NoLocking=1",
            "--option=Acquire::Retries=1",
            "--option=Acquire::http::Timeout=20",
            "install",
            *packages,
        )
        fresh = Path(scratch, "tree")
        for package in sorted(archives.glob("*.deb")):
            _run("dpkg", "--extract", str(package), str(fresh))
        if not (fresh / program).exists():
            raise Unavailable(f"apt-get gave no {program}")
        if not tree.exists():
            fresh.rename(tree)
    return tree


def _run(*command: str) -> None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=FETCH_SECONDS,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} took longer than {FETCH_SECONDS} s") from None
    if done.returncode != 0:
        raise Unavailable(f"{command[0]}: {done.stderr.strip()[-300:]}")
