"""Names of tasks for whoever types one: quickly, and without compiling a config or running a dodo.py."""

from __future__ import annotations

import re
from pathlib import Path

from forgather.make.index import ConfigIndex
from forgather.make.kinds import KINDS
from forgather.make.stamps import open_stamps
from forgather.make.survey import known_ids, names_of

OWN_TASK = re.compile(r"^def task_(\w+)", re.M)


def task_names(root: Path, prefix: str) -> list[str]:
    """What a task of this build root that begins so may be called.

    Without a colon, kinds and the tasks of a ``dodo.py``; with one, the tasks of that kind, and those that
    a config may have of which nothing is known yet.
    """
    kind, colon, _ = prefix.partition(":")
    if not colon:
        names = [*KINDS, *_own_tasks(root)]
    elif kind not in KINDS:
        names = []
    elif (root / "build").is_dir():
        stamps = open_stamps(root)
        names = names_of(stamps, ConfigIndex(root), kind)
        stamps.save()
    else:
        names = [f"{kind}:{one}" for one in ConfigIndex(root).ids()]
    return [name for name in names if name.startswith(prefix)]


def config_ids(root: Path, prefix: str) -> list[str]:
    """The ids of configs that begin so."""
    if (root / "build").is_dir():
        stamps = open_stamps(root)
        ids = known_ids(stamps, ConfigIndex(root))
        stamps.save()
    else:
        ids = ConfigIndex(root).ids()
    return [one for one in ids if one.startswith(prefix)]


def _own_tasks(root: Path) -> list[str]:
    try:
        text = (root / "dodo.py").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    return OWN_TASK.findall(text)
