"""doit's ``list`` and ``clean``, where ours differ from its own."""

from __future__ import annotations

from typing import Any

from doit.cmd_clean import Clean as DoitClean
from doit.cmd_list import List as DoitList


class List(DoitList):
    """A kind is up to date where all of its tasks are, and an alias where what it stands for is.

    doit itself has no status for what has no actions.
    """

    def _print_task(
        self, template: str, task: Any, status: bool, list_deps: bool, tasks: dict[str, Any]
    ) -> None:
        if status and not task.actions and self._all_current(task, tasks):
            task.uptodate = [(True, None, None)]
        super()._print_task(template, task, status, list_deps, tasks)

    def _all_current(self, task: Any, tasks: dict[str, Any]) -> bool:
        return all(self._is_current(tasks[dep], tasks) for dep in task.task_dep if dep in tasks)

    def _is_current(self, task: Any, tasks: dict[str, Any]) -> bool:
        known = vars(self).setdefault("_known", {})
        if task.name not in known:
            if task.actions:
                known[task.name] = self.dep_manager.get_status(task, tasks).status == "up-to-date"
            else:
                known[task.name] = self._all_current(task, tasks)
        return known[task.name]


class Clean(DoitClean):
    """With ``--forget``, the artifact is forgotten, too, and not only what doit knows of the task."""

    def clean_tasks(self, tasks: list[Any], dryrun: bool, cleanforget: bool) -> None:
        self.dep_manager.backend.forgets_records = cleanforget and not dryrun
        super().clean_tasks(tasks, dryrun, cleanforget)
