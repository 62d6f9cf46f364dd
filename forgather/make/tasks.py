"""The only door to doit: our targets as its tasks, our state as its memory.

doit selects, orders and runs; whether something is up to date is for :mod:`forgather.make.build` to
say. Tasks are created lazily: only the closure of what the command line asks for, one task per
artifact and config. Asking for ``train:ID`` asks for what follows from it too: checkpoint, plots and
report.
"""

from __future__ import annotations

import atexit
import fnmatch
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doit import doit_cmd
from doit.cmd_base import TaskLoader2
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidCommand, TaskFailed
from doit.loader import generate_tasks, get_module, load_tasks
from doit.task import Task

from forgather.errors import BuildError, ForgatherError, Interrupted
from forgather.make.faults import FAULTS, as_error
from forgather.make.front import plugins as doit_plugins
from forgather.make.front.outlet import Outlet
from forgather.make.front.own_tasks import OwnTasks, is_artifact
from forgather.make.front.steps import STEPS
from forgather.make.front.summary import META, Summary
from forgather.make.kinds import KINDS
from forgather.make.options import Options
from forgather.make.reporters.failure import Failure
from forgather.make.request import Request
from forgather.make.sweeps import variants
from forgather.make.verdict import Verdict

if TYPE_CHECKING:
    from forgather.make.build import Build
    from forgather.make.catalog import Catalog
    from forgather.make.target import Target

EQUALS = "\N{MODIFIER LETTER SHORT EQUALS SIGN}"  # doit lets no task be made with a "=" in its name
SETTINGS = {
    "backend": "forgather",
    "dep_file": os.path.join("build", "doit.sqlite"),
    "reporter": "forgather",
    "par_type": "thread",
    "default_tasks": ["pp", "graph"],
    "verbosity": 2,
}


class Refused(BaseException):
    """Carries an error of ours through doit, which makes texts of exceptions, to whoever drives it."""

    def __init__(self, error: ForgatherError) -> None:
        super().__init__(error.message)
        self.error = error


class Loader(TaskLoader2):
    """Creates the tasks of a build root, and those of a ``dodo.py`` that stands in it.

    catalog: one that is ready, for configs with arguments that no name can find.
    raises: errors go to the caller of doit, as Refused, instead of becoming doit's.
    """

    is_reading = False  # a dodo.py; by any loader of this process

    def __init__(
        self,
        root: Path | None = None,
        options: Options | None = None,
        catalog: Catalog | None = None,
        *,
        raises: bool = False,
        file: str = "dodo.py",
    ) -> None:
        super().__init__()
        DoitMain.process_args = _process_args  # before doit looks at the command line
        doit_plugins.look_once()
        self.root = Path(root or os.getcwd())
        self.options = options or Options()
        self._request: Request | None = None
        self.catalog = catalog
        self.raises = raises
        self.file = file
        self.since = time.monotonic()
        self.parameters: dict[str, Any] = {}
        self.namespace: dict[str, Any] = {}

    def setup(self, opt_values: Any) -> None:
        self.parameters = dict(opt_values)
        if (self.root / self.file).is_file():
            Loader.is_reading = True
            try:
                module = get_module(self.file, cwd=str(self.root))
            finally:
                Loader.is_reading = False
            self.namespace = dict(vars(module))
        try:
            (self.root / "build").mkdir(exist_ok=True)
        except OSError as fault:
            raise self._refusal(as_error(fault)) from None

    def load_doit_config(self) -> dict[str, Any]:
        return SETTINGS | dict(self.namespace.get("DOIT_CONFIG") or {})

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> list[Task]:
        own = OwnTasks(load_tasks(self.namespace, self.cmd_names) if self.namespace else [])
        self.options.log_to_files = int(self.parameters.get("num_process") or 0) > 1
        try:
            pos_args[:] = map(variants.respell, pos_args)
            if cmd.get_name() == "run":
                return self._tasks_to_run(cmd, pos_args, own)
            cmd.outstream = Outlet(cmd.outstream)
            return self._tasks_to_show(cmd, pos_args, own)
        except ForgatherError as error:
            raise self._refusal(error) from None
        except FAULTS as fault:
            raise self._refusal(as_error(fault)) from None
        except KeyboardInterrupt:
            sys.stderr.write("interrupted\n")
            raise SystemExit(130) from None

    def _refusal(self, error: ForgatherError) -> BaseException:
        return Refused(error) if self.raises else InvalidCommand(error.render())

    def _tasks_to_run(self, cmd: Any, pos_args: list[str], own: OwnTasks) -> list[Task]:
        """The tasks that have something to do; the others are only counted."""
        words, wanted = own.split(pos_args or cmd.sel_tasks or [*KINDS, *own.tasks])
        request = self._request = Request(self.root, self.options, self.catalog)
        atexit.register(self.finish)
        always = self.options.always = bool(self.parameters.get("always"))
        remaining = request.remaining(
            [*wanted, *own.needed(words)],
            always=always,
            is_ignored=lambda name: bool(cmd.dep_manager.backend.get(name, "ignore:")),
        )
        broken = request.catalog.broken if request.has_catalog else {}
        tasks: list[Task] = []
        if remaining.targets or broken:
            tasks = list(_create_tasks(request.catalog, remaining.targets.values()))
        names = {task.name for task in tasks}
        own.without(names)
        for task in tasks:  # what is done already is no task, and nothing waits for it
            task.task_dep = [dep for dep in task.task_dep if dep in names]
        cmd.sel_tasks = [name for name in remaining.targets if name in names]
        cmd.sel_tasks += [f"pp:{name}" for name in broken]
        cmd.sel_tasks += words  # at the end: a task of the user's may take all words that follow it
        summary = Summary(remaining.current, remaining.restored, self.since)
        return [*own.tasks.values(), *tasks, Task("_summary", None, meta={META: summary})]

    def finish(self) -> None:
        """Keep what the next build need not look into again."""
        STEPS.wait()
        request, self._request = self._request, None
        if request is None:
            return
        try:
            request.finish()
        except (BuildError, *FAULTS) as fault:  # only the next build is slower for it
            sys.stderr.write(f"forgather: stamps could not be written: {fault}\n")

    def _tasks_to_show(self, cmd: Any, pos_args: list[str], own: OwnTasks) -> list[Task]:
        catalog = Request(self.root, self.options, self.catalog).catalog
        pos_args[:] = catalog.names(pos_args)
        words, wanted = own.split(pos_args or cmd.sel_tasks or ())
        wanted += own.needed(words)
        if not pos_args or self._is_about_all(cmd.get_name()):
            wanted = self._shown_without_names(cmd.get_name(), wanted)
        tasks = list(_create_tasks(catalog, catalog.closure(wanted).values()))
        names = [task.name for task in tasks]
        own.without(set(names))
        if cmd.get_name() != "info":
            _expand_patterns(pos_args, names)
        return [*own.tasks.values(), *tasks]

    def _is_about_all(self, command: str) -> bool:
        return command != "list" and any(map(self.parameters.get, ("cleanall", "forget_all")))

    def _shown_without_names(self, command: str, defaults: list[str]) -> list[str]:
        """The kinds that a command is about whose command line names no tasks."""
        if command == "list":
            return list(KINDS) if self.parameters["subtasks"] or self.parameters["status"] else []
        is_all = command == "graph" or self._is_about_all(command) or not defaults
        return list(KINDS) if is_all else defaults


def _expand_patterns(words: list[str], names: list[str]) -> None:
    """doit takes patterns of names for ``run`` and ``clean`` only."""
    words[:] = [
        name
        for word in words
        for name in (is_artifact(word) and "*" in word and fnmatch.filter(names, word)) or [word]
    ]


def _process_args(self: DoitMain, cmd_args: list[str]) -> list[str]:
    """doit's own, but for one thing: ``train:ID@lr=1`` is a task and no variable of doit's."""
    doit_cmd.reset_vars()
    kept = []
    for argument in cmd_args:
        name, equals, value = argument.partition("=")
        if equals and not argument.startswith("-") and not is_artifact(name):
            doit_cmd.set_var(name, value)
        else:
            kept.append(argument)
    return kept


def _create_tasks(catalog: Catalog, targets: Iterable[Target]) -> Iterator[Task]:
    """A group per kind, and a task per target below it."""
    by_kind: dict[str, list[Target]] = {kind: [] for kind in KINDS}
    for target in targets:
        by_kind[target.kind].append(target)
    for kind, members in by_kind.items():
        for task in generate_tasks(kind, _describe(catalog, kind, members)):
            task.name = task.name.replace(EQUALS, "=")
            task.task_dep = [name.replace(EQUALS, "=") for name in task.task_dep]
            yield task


def _describe_broken(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """A config that cannot be compiled has one task, which says why."""
    for name, error in catalog.broken.items():
        yield {
            "basename": "pp",
            "name": name,
            "doc": f"PARSE ERROR: {error.message}",
            "actions": [(_fail, [error])],
            "uptodate": [False],
            "meta": {"broken": True},
        }


def _fail(error: ForgatherError) -> TaskFailed:
    return Failure(error)


def _describe(catalog: Catalog, kind: str, members: list[Target]) -> Iterator[dict[str, Any]]:
    rule, build = catalog.build.rules[kind], catalog.build
    yield {"basename": kind, "name": None, "doc": f"{rule.doc}, for each config"}
    for target in members:
        if target.is_alias:
            yield {
                "basename": kind,
                "name": target.id.replace("=", EQUALS),
                "doc": f"the same as {target.deps[0]}",
                "actions": None,
                "meta": {"alias": True},
                "task_dep": list(target.deps),
            }
            continue
        yield {
            "basename": kind,
            "name": target.id.replace("=", EQUALS),
            "doc": f"{rule.doc} of {target.id}{catalog.remark(target)}",
            "actions": [(_execute, [build, target])],
            "uptodate": [(_is_current, [build, target])],
            "task_dep": list(target.deps),
            "clean": [(remove_outputs, [build, target])],
            "verbosity": 2,
            "meta": {"artifact": Artifact(catalog, target)},
        }
    if kind == "pp":
        yield from _describe_broken(catalog)


@dataclass(frozen=True)
class Artifact:
    """What a task of ours carries, for the reporter and for commands."""

    catalog: Catalog
    target: Target

    @property
    def build(self) -> Build:
        return self.catalog.build

    def verdict(self) -> Verdict:
        return verdict(self.build, self.target)

    def __repr__(self) -> str:
        return os.path.relpath(self.build.place(self.target), self.build.root)


def verdict(build: Build, target: Target) -> Verdict:
    """Like ``build.verdict``; a target whose dependencies are not built is simply not current."""
    try:
        return build.verdict(target)
    except ForgatherError as error:
        return Verdict(False, (error.message,))
    except FAULTS as fault:
        return Verdict(False, (as_error(fault).message,))


def _is_current(build: Build, target: Target) -> bool:
    if build.options.always:
        return False
    try:
        return build.look(target).is_current
    except (ForgatherError, *FAULTS):
        return False


def _execute(build: Build, target: Target) -> TaskFailed | dict[str, str]:
    if not build.deferred.isdisjoint(target.deps):  # of what a cluster does while nobody waits
        build.deferred.add(target.name)
        return {"made": "deferred"}
    with STEPS.doing(target.name):
        return _make(build, target)


def _make(build: Build, target: Target) -> TaskFailed | dict[str, str]:
    from forgather.make.cluster.deferred import Submitted

    try:
        return {"made": build.make(target)}
    except Submitted as note:
        build.deferred.add(target.name)
        sys.stdout.write(f"{note}\n")
        return {"made": "submitted"}
    except Interrupted as error:
        sys.stderr.write(f"{error}\n")
        raise KeyboardInterrupt from None
    except ForgatherError as error:
        return Failure(error)
    except FAULTS as fault:
        return Failure(as_error(fault))


def remove_outputs(build: Build, target: Target, dryrun: bool) -> None:
    """Remove what the task published below ``build/``. Trained models are not touched."""
    from forgather.make.upkeep.published import published, remove_published

    record = build.state.last(target.name)
    if record is None:
        return
    if target.kind == "train":
        print(f"{target.name} - kept, as every trained model is: {record.place}")
        return
    for path in published(build.root, record):
        print(f"{target.name} - removing {path.relative_to(build.root)}")
    if not dryrun:
        remove_published(build.root, record)
