"""Under which circumstances something is made: versions, git revision, command, time and machine.

All of it is for readers, and for whoever finds that something cannot be made again: it is in no key and
decides nothing. Asking costs well under a millisecond, but for whether the tree is dirty: that takes a
run of git, once per process, and is asked only of what took a process of its own to make.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

from forgather import __version__
from forgather.make.digest import installed_versions

PACKAGES = ("torch", "transformers", "tokenizers", "numpy", "safetensors", "jinja2", "pyyaml")
# Variables that change in which order numbers are added up, or by which code.
NUMERIC = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "PYTORCH_CUDA_ALLOC_CONF",
)
CPU_NAME_WITHIN = 4096  # bytes of /proc/cpuinfo; the first processor stands there


def circumstances(root: Path, *, ask: bool) -> dict[str, Any]:
    """What is so in this process, for something that is made below ``root``.

    ask: git and the machine may be asked what cannot be read in a moment.
    """
    return {
        "versions": {"forgather": __version__, **versions()},
        "git": git_state(root, ask=ask),
        "command": [_program(), *sys.argv[1:]],
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": platform.node(),
        **({"machine": machine()} if ask else {}),
    }


def _program() -> str:
    """``doit``, whether it was started by that name or as ``python -m doit``."""
    path = Path(sys.argv[0])
    return path.parent.name if path.name == "__main__.py" else path.name


@cache
def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **installed_versions(PACKAGES, sys.path)}


def machine() -> dict[str, Any]:
    """What may change the last bits of a sum: processor, graphics cards, number of threads."""
    numeric = {name: os.environ[name] for name in NUMERIC if name in os.environ}
    return {**_hardware(), "environment": numeric}


@cache
def _hardware() -> dict[str, Any]:
    return {
        "system": platform.system(),
        "processor": _processor(),
        "cores": (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        ),
        "gpus": _gpus(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as stream:
            text = stream.read(CPU_NAME_WITHIN)
    except OSError:  # another system than Linux
        text = ""
    names = (line.partition(":")[2].strip() for line in text.split("\n") if "model name" in line)
    return next(names, "") or platform.machine()


def _gpus() -> list[str]:
    """The names of Nvidia's cards, as their driver gives them; no library is loaded for it."""
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            lines = path.read_text().split("\n")
        except OSError:
            continue
        found += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return found


# git


def git_state(root: Path, *, ask: bool) -> dict[str, Any]:
    """The revision of the checkout around ``root``, and whether files differ from it.

    Empty where there is no git. ask: git itself may be started, once per process.
    """
    folder = next((path for path in (root, *root.parents) if (path / ".git").exists()), None)
    if folder is None:
        return {}
    revision = _revision(folder / ".git")
    if revision is None:
        return {}
    found: dict[str, Any] = {"revision": revision, "prefix": os.path.relpath(root, folder)}
    if ask and (dirty := _is_dirty(folder, revision)) is not None:
        found["dirty"] = dirty
    return found


def _revision(git: Path) -> str | None:
    """What HEAD is, read from its files: starting git for each of a thousand tasks would tell."""
    try:
        if git.is_file():  # a worktree
            git = git.parent / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head or None
        name = head.removeprefix("ref:").strip()
        common = git / "commondir"
        for place in (git, git / common.read_text().strip()) if common.exists() else (git,):
            if (place / name).is_file():
                return (place / name).read_text().strip()
            for line in _packed(place):
                sha, _, ref = line.partition(" ")
                if ref == name:
                    return sha
    except OSError:  # half a repository: as good as none
        return None
    return None


def _packed(git: Path) -> list[str]:
    path = git / "packed-refs"
    return path.read_text().splitlines() if path.is_file() else []


@cache
def _is_dirty(folder: Path, revision: str) -> bool | None:
    """Whether tracked files differ from the revision; None where git does not say."""
    command = ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no"]
    try:
        shown = subprocess.run(
            command,
            capture_output=True,
            timeout=10,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return bool(shown.stdout.strip()) if shown.returncode == 0 else None
