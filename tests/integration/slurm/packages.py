"""Slurm and munge from Debian packages, unpacked into a cache folder: nothing is installed.

The programs find their libraries and plugins by an environment variable and settings, so no mount
namespace is needed, and the machine stays as it is. Whoever may not fetch packages can unpack them
elsewhere and name the folder in ``FORGATHER_SLURM_TREE``.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tests.integration.debian import Unavailable, cache_folder, unpack

__all__ = ["Unavailable", "unpacked"]

PACKAGES = ("slurm-wlm", "munge")
DAEMONS = ("slurmctld", "slurmd", "slurmstepd")  # links that the packages' scripts would make


def unpacked() -> Path:
    """The folder that takes the place of ``/``. Raises Unavailable."""
    if given := os.environ.get("FORGATHER_SLURM_TREE"):
        if not Path(given, "usr/sbin/slurmctld").exists():
            raise Unavailable(f"no slurmctld in FORGATHER_SLURM_TREE={given}")
        return Path(given)
    tree = unpack(PACKAGES, cache_folder("slurm"), "usr/sbin/slurmctld-wlm")
    for name in DAEMONS:
        with suppress(FileExistsError):
            (tree / "usr/sbin" / name).symlink_to(f"{name}-wlm")
    return tree
