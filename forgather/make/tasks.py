"""The only door to doit: our targets as its tasks, our state as its memory.

doit selects, orders and runs; whether something is up to date is for :mod:`forgather.make.build` to
say. Tasks are created lazily: only the closure of what the command line asks for, one task per
artifact and config. Asking for ``train:ID`` asks for what follows from it too: checkpoint, plots and
report.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doit.cmd_base import NamespaceTaskLoader, TaskLoader2
from doit.doit_cmd import DoitMain
from doit.exceptions import InvalidCommand, TaskFailed
from doit.loader import generate_tasks, get_module, load_tasks
from doit.task import Task

from forgather.errors import ForgatherError, Interrupted
from forgather.launch.command import worker_command
from forgather.make.build import Build, Options, Verdict
from forgather.make.catalog import Catalog
from forgather.make.compile import Compiled
from forgather.make.plan import KINDS
from forgather.make.rules import RULES
from forgather.make.target import Target
from forgather.workspace import build_root, find_workspace_dir

SETTINGS = {
    "backend": "forgather",
    "dep_file": os.path.join("build", "doit.sqlite"),
    "reporter": "forgather",
    "par_type": "thread",
    "default_tasks": ["pp", "graph"],
    "verbosity": 2,
}
PLUGINS = {
    "BACKEND": {"forgather": "forgather.make.doit_plugins:StateBackend"},
    "REPORTER": {"forgather": "forgather.make.doit_plugins:Reporter"},
    "COMMAND": {
        "why": "forgather.make.doit_commands:Why",
        "info": "forgather.make.doit_commands:Info",
    },
}


class Loader(TaskLoader2):
    """Creates the tasks of a build root, and those of a ``dodo.py`` that stands in it."""

    def __init__(self, root: Path | None = None, options: Options | None = None) -> None:
        super().__init__()
        self.root = Path(root or os.getcwd())
        self.options = options or Options()
        self.parameters: dict[str, Any] = {}
        self.namespace: dict[str, Any] = {}

    def setup(self, opt_values: Any) -> None:
        self.parameters = dict(opt_values)
        if (self.root / "dodo.py").is_file():
            module = get_module("dodo.py", cwd=str(self.root))
            self.namespace = dict(vars(module))
        (self.root / "build").mkdir(exist_ok=True)

    def load_doit_config(self) -> dict[str, Any]:
        return SETTINGS | dict(self.namespace.get("DOIT_CONFIG") or {})

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> list[Task]:
        own = load_tasks(self.namespace, self.cmd_names) if self.namespace else []
        try:
            return [*own, *self._artifact_tasks(cmd, pos_args, {task.name for task in own})]
        except ForgatherError as error:
            raise InvalidCommand(error.render()) from None

    def _artifact_tasks(self, cmd: Any, pos_args: list[str], taken: set[str]) -> Iterator[Task]:
        self.options.log_to_files = int(self.parameters.get("num_process") or 0) > 1
        catalog = Catalog(self.root, self.options)
        wanted = list(pos_args or cmd.sel_tasks or ())
        if cmd.get_name() == "list" and not pos_args:
            wanted = list(KINDS) if self.parameters.get("subtasks") else []
        elif not wanted or self.parameters.get("cleanall") or self.parameters.get("forget_all"):
            wanted = list(KINDS)
        targets = catalog.closure([name for name in wanted if name not in taken])
        if cmd.get_name() == "run" and pos_args:
            following = catalog.following(name for name in pos_args if name not in taken)
            cmd.sel_tasks = [*pos_args, *(name for name in following if name not in pos_args)]
            targets = catalog.closure(following, targets)
        return _create_tasks(catalog, targets.values())


def _create_tasks(catalog: Catalog, targets: Iterable[Target]) -> Iterator[Task]:
    """A group per kind, and a task per target below it."""
    by_kind: dict[str, list[Target]] = {kind: [] for kind in KINDS}
    for target in targets:
        by_kind[target.kind].append(target)
    for kind, members in by_kind.items():
        yield from generate_tasks(kind, _describe(catalog, kind, members))


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
    return TaskFailed(error.render())


def _describe(catalog: Catalog, kind: str, members: list[Target]) -> Iterator[dict[str, Any]]:
    rule, build = RULES[kind], catalog.build
    yield {"basename": kind, "name": None, "doc": f"{rule.doc}, for each config"}
    for target in members:
        if target.is_alias:
            yield {
                "basename": kind,
                "name": target.id,
                "doc": f"the same as {target.deps[0]}",
                "actions": None,
                "task_dep": list(target.deps),
            }
            continue
        yield {
            "basename": kind,
            "name": target.id,
            "doc": f"{rule.doc} of {target.id}",
            "actions": [(_execute, [build, target])],
            "uptodate": [(_is_current, [build, target])],
            "task_dep": list(target.deps),
            "clean": [(_clean, [build, target])],
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


def _is_current(build: Build, target: Target) -> bool:
    return verdict(build, target).is_current


def _execute(build: Build, target: Target) -> TaskFailed | dict[str, str]:
    try:
        return {"made": build.make(target)}
    except Interrupted as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(error.exit_code) from None
    except ForgatherError as error:
        return TaskFailed(error.render())


def _clean(build: Build, target: Target, dryrun: bool) -> None:
    """Remove what the task published below ``build/``. Trained models are not touched."""
    record = build.state.last(target.name)
    if record is None or target.kind == "train":
        return
    for name in record.files:
        path = build.root / record.place / name
        if path.exists():
            print(f"{target.name} - removing {path.relative_to(build.root)}")
            if not dryrun:
                path.unlink()
    if not dryrun:
        _remove_empty_folders(build.root / record.place, build.directory)


def _remove_empty_folders(folder: Path, top: Path) -> None:
    for path, _folders, _files in os.walk(folder, topdown=False):
        if Path(path) != top and not os.listdir(path):
            os.rmdir(path)


def run_train(
    project_dir: Path | str,
    config_name: str,
    dynamic_args: dict[str, Any],
    devices: str | None,
    dry_run: bool,
    extra: list[str],
) -> int:
    """Train a config of a project through the build graph; with ``dry_run`` only say how."""
    project = Path(project_dir).resolve()
    root = Path(build_root(Path(find_workspace_dir(project)).parent))
    options = Options(devices=devices, command="doit", launcher_args=list(extra))
    catalog = Catalog(root, options)
    compiled = catalog.compile(project, config_name, dynamic_args)
    if not compiled.config_class.startswith("type.training_script"):
        raise ForgatherError(
            f"{compiled.id} is a {compiled.config_class or 'config without config_class'}, "
            "which cannot be trained",
            hint="'forgather ls' shows the configs; training configs extend "
            "types/training_script/causal_lm/causal_lm.yaml",
            code="FG610",
        )
    if dry_run:
        return _show_training(catalog, compiled, devices, extra)
    return run_compiled(catalog, [f"train:{compiled.id}"])


def _show_training(
    catalog: Catalog, compiled: Compiled, devices: str | None, extra: list[str]
) -> int:
    """Say what a training would do: the steps before it, and the command of its process."""
    name = f"train:{compiled.id}"
    for target in reversed(catalog.closure([name]).values()):
        if not target.is_alias and not verdict(catalog.build, target).is_current:
            print(f"# would build {target.name}")
    processes = int(compiled.meta.get("nproc_per_node") or 1)
    prefix = f"CUDA_VISIBLE_DEVICES={devices} " if devices is not None else ""
    command = worker_command("ACTION.json", processes=processes, extra=extra)
    print(prefix + shlex.join(command))
    return 0


def run_compiled(catalog: Catalog, names: list[str]) -> int:
    """Run tasks of a catalog that may hold configs with arguments, which no name can find."""
    loader = CatalogLoader(catalog, names)
    before = os.getcwd()
    os.chdir(catalog.build.root)
    try:
        (catalog.build.root / "build").mkdir(exist_ok=True)
        main = DoitMain(loader, extra_config=PLUGINS, config_filenames=())
        return main.run(["run", *catalog.following(names)])
    finally:
        os.chdir(before)


class CatalogLoader(NamespaceTaskLoader):
    """The tasks of a catalog that is ready."""

    def __init__(self, catalog: Catalog, names: list[str]) -> None:
        super().__init__()
        self.catalog = catalog
        self.names = names
        self.namespace = {"DOIT_CONFIG": dict(SETTINGS)}

    def load_tasks(self, cmd: Any, pos_args: list[str]) -> list[Task]:
        targets = self.catalog.closure(self.catalog.following(self.names))
        return list(_create_tasks(self.catalog, targets.values()))
