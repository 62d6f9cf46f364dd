"""What we plug into doit: its reporter and its memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doit.dependency import SqliteDB
from doit.exceptions import TaskFailed
from doit.reporter import ConsoleReporter
from doit.task import Task

from forgather.make.state import State


class Reporter(ConsoleReporter):
    """doit's console output, with the reason for each step and our own error texts."""

    desc = "what is built, and why"

    def execute_task(self, task: Task) -> None:
        if not task.actions or task.name.startswith("_"):
            return
        reason = ""
        if task.meta and "artifact" in task.meta:
            reasons = task.meta["artifact"].verdict().reasons
            more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
            reason = f"  ({reasons[0]}{more})" if reasons else ""
        self.write(f".  {task.title()}{reason}\n")
        self.outstream.flush()

    def _write_failure(self, result: dict[str, Any], write_exception: bool = True) -> None:
        failure = result["exception"]
        if isinstance(failure, TaskFailed) and result["task"].meta:
            self.write(f"!! {result['task'].name} failed\n{failure.message}\n")
        else:
            super()._write_failure(result, write_exception)

    def complete_run(self) -> None:
        self.failures = [failure for failure in self.failures if not failure["task"].meta]
        super().complete_run()


class StateBackend(SqliteDB):
    """doit's memory, written through: a killed build forgets no finished task.

    What is up to date stands in our own records; forgetting a task there too is what makes
    ``doit forget`` run it again.
    """

    desc = "SQLite, committed task by task"

    def _sqlite3(self, name: str) -> Any:
        connection = super()._sqlite3(name)
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma busy_timeout=30000")
        return connection

    def set(self, task_id: str, dependency: str, value: Any) -> None:
        super().set(task_id, dependency, value)
        if dependency in ("deps:", "ignore:"):  # the last of the keys that a success writes
            row = (task_id, self.codec.encode(self._cache[task_id]))
            self._conn.execute("insert or replace into doit values (?, ?)", row)
            self._conn.commit()
            self._dirty.discard(task_id)

    def remove(self, task_id: str) -> None:
        super().remove(task_id)
        self._state().forget_if_known(task_id)

    def remove_all(self) -> None:
        super().remove_all()
        self._state().forget_all()

    def _state(self) -> State:
        return State(Path(self.name).resolve().parent)
