"""Where the store of a checkout and the cache of a user are, or why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from forgather.cli.context import Context
from forgather.cli.tasks import build_root_of
from forgather.errors import BuildError, ProjectError, UsageError

if TYPE_CHECKING:
    from forgather.make.storage.disk_cache import DiskCache

BAD_OPTION = "FG631"
NO_STORE = "FG633"


def store_root(context: Context) -> Path:
    """The build root, which has a store. Raises ProjectError, or BuildError where nothing is built."""
    from forgather.make.upkeep.collection import store_of

    root = build_root_of(context)
    if not (store_of(root).root / "ac").is_dir():
        raise BuildError(
            f"there is no store in {root / 'build'}", hint="build something first", code=NO_STORE
        )
    return root


def cache_of(root: Path | None) -> DiskCache | None:
    """The user's cache, if there is one."""
    from forgather.make.cache.settings import CacheSettings
    from forgather.make.storage.disk_cache import DiskCache

    directory = CacheSettings.load(root=root).directory
    is_there = directory is not None and (directory / "ac").is_dir()
    return DiskCache(directory) if directory is not None and is_there else None


def cache_alone(context: Context) -> DiskCache:
    cache = cache_of(root_if_any(context))
    if cache is None:
        raise UsageError(
            "there is no cache of the user",
            hint="it is made by the first build, unless FORGATHER_CACHE_DIR is off",
            code=BAD_OPTION,
        )
    return cache


def root_if_any(context: Context) -> Path | None:
    """The build root with a store; None outside of a workspace, and where nothing is built."""
    try:
        return store_root(context)
    except (ProjectError, BuildError):
        return None
