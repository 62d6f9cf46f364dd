"""The tasks of a user's own ``dodo.py``: which are asked for, and which of our tasks they wait for.

doit makes sense of its own tasks itself; this only tells, before any task of ours is created, which words
of a command line are for doit and which name artifacts.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence

from doit.cmdparse import CmdOption, TaskParse
from doit.task import Task

from forgather.errors import UsageError, did_you_mean
from forgather.make.kinds import KINDS


def is_artifact(name: str) -> bool:
    """Is it a task, a kind or a pattern of ours?"""
    return name.partition(":")[0] in KINDS


class OwnTasks:
    def __init__(self, tasks: Iterable[Task]) -> None:
        self.tasks = {task.name: task for task in tasks}
        self._makers = {name: task.name for task in self.tasks.values() for name in task.targets}

    def split(self, asked: Sequence[str]) -> tuple[list[str], list[str]]:
        """Words for doit (own tasks and files they make, with their options), and names of ours.

        Raises UsageError for what is neither.
        """
        words: list[str] = []
        ours: list[str] = []
        rest = list(asked)
        while rest:
            word = rest.pop(0)
            if word in self.tasks:
                after = _after_options(self.tasks[word], rest)
                words += [word, *rest[: len(rest) - len(after)]]
                rest = after
            elif self._named(word):
                words.append(word)
            else:
                ours.append(self._checked(word))
        return words, ours

    def needed(self, words: Iterable[str]) -> list[str]:
        """Names of ours among what the own tasks in ``words`` depend on, directly or not."""
        found: list[str] = []
        waiting = [name for word in words for name in self._named(word)]
        seen = set(waiting)
        while waiting:
            for name in self._deps(self.tasks[waiting.pop()]):
                if is_artifact(name) and name not in self.tasks:
                    found.append(name)
                elif name in self.tasks and name not in seen:
                    seen.add(name)
                    waiting.append(name)
        return list(dict.fromkeys(found))

    def without(self, existing: set[str]) -> None:
        """Nothing waits for tasks of ours that are not there, because they have nothing to do."""
        for task in self.tasks.values():
            for deps in (task.task_dep, task.setup_tasks):
                deps[:] = [name for name in deps if name in existing or not is_artifact(name)]

    def _named(self, word: str) -> list[str]:
        """The own tasks that a word of the command line means."""
        if word in self.tasks:
            return [word]
        if word in self._makers:
            return [self._makers[word]]
        base = word.partition(":")[0]
        if base in self.tasks and self.tasks[base].loader:  # makes its tasks when it is run
            return [base]
        return fnmatch.filter(self.tasks, word) if "*" in word else []

    def _deps(self, task: Task) -> Iterator[str]:
        yield from (*task.task_dep, *task.setup_tasks, *task.calc_dep)
        yield from (self._makers[name] for name in task.file_dep if name in self._makers)
        for pattern in task.wild_dep:
            yield from [pattern] if is_artifact(pattern) else fnmatch.filter(self.tasks, pattern)

    def _checked(self, word: str) -> str:
        if is_artifact(word):
            return word
        hint = "options go before the names of tasks"
        if not word.startswith("-"):
            hint = did_you_mean(word, [*KINDS, *self.tasks, *self._makers])
        raise UsageError(f"there is no task {word!r}", hint=hint, code="FG003")


def _after_options(task: Task, words: list[str]) -> list[str]:
    """What is left of ``words`` when the task has taken its options, and its arguments if it has such."""
    if not words:
        return []
    options = [CmdOption(option) for option in (*task.params, *task.creator_params)]
    rest = TaskParse(options).parse(words)[1]
    return [] if task.pos_arg is not None else list(rest)
