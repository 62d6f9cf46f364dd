"""What was built for configs that are no longer there, which no task can be asked about any more.

A config is there while its id leads to one, or, outside of the build root, while it is where it was when
it was built. What was never compiled here is not judged. A training stays, with its record, while its output directory is there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from forgather.errors import ForgatherError
from forgather.make.index import ConfigIndex
from forgather.make.logs import log_path
from forgather.make.state import Record, State
from forgather.make.sweeps import variants
from forgather.make.upkeep.published import published, remove_published
from forgather.workspace.find import META_NAME


@dataclass(frozen=True)
class Gone:
    """records: by task; configs: their ids; size: of the files below ``build/``, in bytes."""

    records: Mapping[str, Record]
    configs: list[str]
    size: int


def find_gone(root: Path) -> Gone:
    with closing(State(root / "build")) as state:
        records = {task: found for task in state.tasks() if (found := state.last(task))}
    gone = _configs_that_are_gone(root, records)
    chosen = {
        task: record
        for task, record in records.items()
        if _config(task) in gone and not _is_output_directory(root, record)
    }
    files = {path for record in chosen.values() for path in published(root, record)}
    return Gone(chosen, sorted(set(map(_config, chosen))), sum(map(_size, files)))


def remove_gone(root: Path, gone: Gone) -> None:
    """Files first: a record without its files is noticed, and files without a record are not."""
    for task, record in gone.records.items():
        remove_published(root, record)
        log_path(root / "build", task).unlink(missing_ok=True)
    with closing(State(root / "build")) as state:
        state.remove(gone.records)


def _configs_that_are_gone(root: Path, records: Mapping[str, Record]) -> set[str]:
    index = ConfigIndex(root)
    return {
        id
        for id, folder, name in _whereabouts(root, records)
        if not _is_there(index, id, folder, name)
    }


def _whereabouts(root: Path, records: Mapping[str, Record]) -> Iterator[tuple[str, Path, str]]:
    """Of each config that was compiled here: id, project and name in the project."""
    seen = set()
    for task, record in records.items():
        config = record.provenance.get("config")
        if config and _config(task) not in seen:
            seen.add(_config(task))
            yield _config(task), Path(os.path.normpath(root / config["project"])), config["name"]


def _is_there(index: ConfigIndex, id: str, folder: Path, name: str) -> bool:
    """Is the config there, and called so? A variant, or one with options, is while its config is."""
    try:
        if index.find(variants.split(id)[0]) is not None:
            return True
        if not (folder / META_NAME).is_file():
            return False
        called = index.identify(folder, name)
        return name in index.configs(folder) and (id == called or id.startswith(f"{called}@"))
    except ForgatherError:  # a project that cannot be read is none that is gone
        return True


def _config(task: str) -> str:
    return task.partition(":")[2]


def _is_output_directory(root: Path, record: Record) -> bool:
    """Is it of a training, outside of ``build/``, and there?"""
    return not record.place.startswith("build/") and (root / record.place).is_dir()


def _size(path: Path) -> int:
    return path.stat().st_size
