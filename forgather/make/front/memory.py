"""doit's memory, in the database of the build root.

Whether an artifact is up to date stands in our own records, which doit never sees; what it remembers
itself is which tasks are ignored, and the tasks of a ``dodo.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit.exceptions import InvalidCommand

from forgather.errors import BuildError
from forgather.make.database import Database, database_path

if TYPE_CHECKING:
    from forgather.make.state import State

LAST = ("deps:", "ignore:")  # the last of the keys that doit sets for a task


class StateBackend:
    """A doit backend, written through: a killed build forgets no finished task.

    name: doit's ``dep_file``; only its folder counts. forgets_records: what is forgotten here is
    forgotten as an artifact, too.
    """

    desc = "SQLite, committed task by task"

    def __init__(self, name: str, codec: Any, *, module_name: str | None = None) -> None:
        self.name = name
        self.codec = codec
        self.forgets_records = False
        self._cache: dict[str, dict[str, Any]] = {}
        self._dirty: set[str] = set()
        try:
            self._database = Database(database_path(Path(name).resolve().parent))
        except BuildError as error:
            raise InvalidCommand(error.render()) from None

    def _known(self, task_id: str) -> dict[str, Any]:
        if task_id not in self._cache:
            with self._database.reading() as connection:
                query = "select data from doit where task = ?"
                row = connection.execute(query, (task_id,)).fetchone()
            self._cache[task_id] = self.codec.decode(row[0]) if row else {}
        return self._cache[task_id]

    def get(self, task_id: str, dependency: str) -> Any:
        return self._known(task_id).get(dependency)

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        self._known(task_id)[dependency] = value
        self._dirty.add(task_id)
        if dependency in LAST:
            self._write([task_id])

    def in_(self, task_id: str) -> bool:
        return bool(self._known(task_id))

    def dump(self) -> None:
        self._write(sorted(self._dirty))

    def _write(self, tasks: list[str]) -> None:
        if not tasks:
            return
        rows = [(task, self.codec.encode(self._cache[task])) for task in tasks]
        self._dirty.difference_update(tasks)
        try:
            with self._database.writing() as connection:
                connection.executemany("insert or replace into doit values (?, ?)", rows)
        except BuildError as error:  # of our artifacts, nothing is lost by it
            sys.stderr.write(f"forgather: doit's memory of {', '.join(tasks)}: {error}\n")

    def remove(self, task_id: str) -> None:
        self._cache[task_id] = {}
        self._dirty.discard(task_id)
        with self._database.writing() as connection:
            connection.execute("delete from doit where task = ?", (task_id,))
        if self.forgets_records:
            self._state.forget_if_known(task_id)

    def remove_all(self) -> None:
        self._cache.clear()
        self._dirty.clear()
        with self._database.writing() as connection:
            connection.execute("delete from doit")
        if self.forgets_records:
            self._state.forget_all()

    @property
    def _state(self) -> State:
        from forgather.make.state import State

        return State(self._database.path.parent, self._database)
