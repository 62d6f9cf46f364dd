"""Short names of configs: what stands after the colon in ``train:tiny_llama``.

The id of a project's default config is the name of the project's directory; that of another config is
``directory/config`` without ``.yaml``. Where two projects have directories of the same name, each is
called by the shortest end of its path that no other has.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable


def project_ids(project_dirs: Iterable[str], root: str) -> dict[str, str]:
    """Project directory (as given) -> id; the paths are looked at from ``root``."""
    parts = {folder: _parts(folder, root) for folder in project_dirs}
    ends = Counter(own[-length:] for own in parts.values() for length in range(1, len(own) + 1))
    ids: dict[str, str] = {}
    for folder, own in parts.items():
        unique = (length for length in range(1, len(own)) if ends[own[-length:]] == 1)
        ids[folder] = "/".join(own[-next(unique, len(own)) :])
    return ids


def config_id(project_id: str, config_name: str, default_config: str) -> str:
    """The id of a config of a project."""
    if config_name == default_config:
        return project_id
    return f"{project_id}/{config_name.removesuffix('.yaml')}"


def _parts(folder: str, root: str) -> tuple[str, ...]:
    absolute = os.path.abspath(folder)
    relative = os.path.relpath(absolute, os.path.abspath(root))
    if relative == ".":
        return (os.path.basename(absolute),)
    return tuple(relative.split(os.sep))
