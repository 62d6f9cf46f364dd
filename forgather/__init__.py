"""Forgather compiles configs: templates to graphs, graphs to models, datasets and trainings.

The names here are imported when they are first used, so that ``import forgather`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forgather.config import ConfigEnvironment
    from forgather.meta_config import MetaConfig
    from forgather.project import Project, from_project

__version__ = "0.1.0"

_HOMES = {
    "ConfigEnvironment": "forgather.config",
    "MetaConfig": "forgather.meta_config",
    "Project": "forgather.project",
    "from_project": "forgather.project",
}

__all__ = ["ConfigEnvironment", "MetaConfig", "Project", "__version__", "from_project"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'forgather' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
