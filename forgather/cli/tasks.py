"""Names of tasks on the command line: what a command builds, explains or watches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from forgather.cli.context import Context
from forgather.errors import UsageError, did_you_mean


def build_root_of(context: Context) -> Path:
    """The folder that holds ``build/``, for ``-p``."""
    from forgather.workspace import find_build_root

    return Path(find_build_root(context.start)).resolve()


def config_id(context: Context) -> str:
    """What stands after the colon in the name of a task of the selected config."""
    from forgather.make.index import ConfigIndex

    project = Path(context.project_dir).resolve()
    return ConfigIndex(build_root_of(context)).identify(project, context.config_name)


def task_names(context: Context, names: Iterable[str]) -> list[str]:
    """The names as tasks: with ``-t``, a kind alone means that of the selected config."""
    found = list(names)
    if not context.config_template:
        return found
    selected = config_id(context)
    return [name if ":" in name else f"{check_kind(name)}:{selected}" for name in found]


def check_kind(name: str) -> str:
    """Raises UsageError where there is no such kind of task."""
    from forgather.make.kinds import KINDS

    if name not in KINDS:
        raise UsageError(f"there is no task {name!r}", hint=did_you_mean(name, KINDS), code="FG003")
    return name
