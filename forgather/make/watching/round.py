"""One round of a watch, in a process of its own: what has changed, then the build.

``python -m forgather.make.watching.round FILE``: FILE is the number of an open file. It holds an ``Order``,
and in the end a ``Report`` (:mod:`forgather.make.watching.messages`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from forgather.errors import ForgatherError, Span
from forgather.make.catalog import Catalog
from forgather.make.front.run import run_doit
from forgather.make.options import Options
from forgather.make.origin.provenance import code_files_of
from forgather.make.reasons.explain import Explainer
from forgather.make.reasons.history import UNBUILT
from forgather.make.reasons.reason import Reason, lines
from forgather.make.state import Record
from forgather.make.watching.lookout import Places
from forgather.make.watching.messages import CONFIG, Order, Report, Wanted, write
from forgather.resources import modelsrc_dir
from forgather.workspace.find import META_NAME, find_project_dir, find_workspace_dir

QUICK = ("pp", "graph", "model")
MOST_DATA = 100  # files that are watched because they were read; of a corpus of many, none is
SHOWN_LINES = 30  # of the reasons of all tasks together


class Round:
    """A name that means nothing, or a broken config, hinders no other."""

    def __init__(self, order: Order) -> None:
        self.catalog = Catalog(Path(order.root), Options(command="forgather watch"))
        self.order = order
        self.wanted = order.wanted
        self.tasks: list[str] = []
        self.errors: list[ForgatherError] = []

    def run(self) -> int:
        for name in self.wanted.names:
            self._try(name)
        if self.order.explains:
            sys.stdout.writelines(f"{line}\n" for line in self._changes())
        code = max((error.exit_code for error in self.errors), default=0)
        return max(code, self._build()) if self.tasks else code

    def _try(self, name: str) -> None:
        """Take the tasks that ``name`` means, or say what is wrong with it."""
        try:
            tasks = self._tasks(name)
            for task in tasks:
                self.catalog.expand(task)
        except ForgatherError as error:
            self._tell(error)
        else:
            self.tasks += tasks

    def _tasks(self, name: str) -> list[str]:
        if not name.startswith(CONFIG):
            is_selected = ":" not in name and self.wanted.config
            return [f"{name}:{self._selected()}" if is_selected else name]
        targets = self.catalog.targets(name.removeprefix(CONFIG) or self._selected())
        return [targets[kind].name for kind in QUICK if kind in targets]

    def _selected(self) -> str:
        """The id of the selected config. Raises ForgatherError where there is none."""
        project = find_project_dir(self.wanted.project or os.getcwd())
        return self.catalog.index.identify(Path(project), self.wanted.config)

    def _changes(self) -> Iterator[str]:
        """What is different from the last time, from the changed lines up."""
        explain = Explainer(self.catalog)
        try:
            reasons = [explain(task) for task in self.catalog.closure(self.tasks)]
        except ForgatherError:  # the build will say it
            return
        root = self.catalog.build.root
        texts = (text for reason in reasons for text in own_texts(reason, root))
        changes = list(dict.fromkeys(texts))
        yield from changes[:SHOWN_LINES]
        if len(changes) > SHOWN_LINES:
            yield f"and {len(changes) - SHOWN_LINES} more: forgather why TASK"

    def _build(self) -> int:
        build = self.catalog.build
        words = ["run", "--continue", "--reporter", "changes", *dict.fromkeys(self.tasks)]
        try:
            return 1 if run_doit(build.root, words, build.options, self.catalog) else 0
        except ForgatherError as error:
            self._tell(error)
            return error.exit_code

    def _tell(self, error: ForgatherError) -> None:
        """Whole if it is new; of one that is still there, the first line, if it is to be said again."""
        self.errors.append(error)
        text = error.render()
        if text not in self.order.told:
            sys.stderr.write(f"{text}\n")
        elif self.order.reminds:
            sys.stderr.write(f"{text.splitlines()[0]}\n")

    def report(self, code: int) -> Report:
        """What is to be watched; the code only where something went wrong."""
        found = places(self.catalog, self.wanted, self.errors)
        if code:
            found |= Places(files=_code(self.catalog))
        return Report(self.tasks, found, [error.render() for error in self.errors])


def own_texts(reason: Reason, root: Path) -> list[str]:
    """What differs for this task itself, and not only in what it is made from."""
    if reason.state in ("current", "alias"):
        return []
    facts = tuple(fact for fact in reason.facts if fact.text != UNBUILT)
    changes = reason.changes
    if reason.causes:
        facts = tuple(fact for fact in facts if fact.task is None and fact.kind != "graph")
        changes = ()
    alone = replace(reason, facts=facts, changes=changes, causes=())
    return [text.strip() for text in list(lines(alone, root))[1:]]


def places(catalog: Catalog, wanted: Wanted, errors: Iterable[ForgatherError]) -> Places:
    """Where the templates of what is wanted are, broken configs or not."""
    errors = [*errors, *catalog.broken.values()]
    spans = [span for error in errors for span in _spans(error)]
    files = {span.path for span in spans if span.path}
    projects = {_project(path) for path in files}
    projects |= {str(one.instance.project_dir) for one in catalog.build.compiler.done.values()}
    names = (*wanted.names, *(f":{config}" for config in catalog.broken))
    projects |= {wanted.project or None, *(_project_of(catalog, name) for name in names)}
    folders = {str(modelsrc_dir())}
    for project in sorted(projects - {None}):
        folders |= set(_folders(catalog, Path(project)))
        files |= {os.path.join(project, META_NAME)}
    return Places(tuple(sorted(_outermost(folders))), tuple(sorted(files)))


def _spans(error: ForgatherError) -> Iterator[Span]:
    yield from (error.where,) if error.where else ()
    yield from (*error.chain, *error.frames)


def _project(path: str) -> str | None:
    try:
        return find_project_dir(os.path.dirname(path))
    except ForgatherError:
        return None


def _project_of(catalog: Catalog, name: str) -> str | None:
    """The project of a config; the config itself need not exist."""
    config = name.removeprefix(CONFIG) if name.startswith(CONFIG) else name.partition(":")[2]
    parts = config.partition("@")[0].split("/")
    names = ("/".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next(
        (str(catalog.index.projects[n]) for n in names if n in catalog.index.projects), None
    )


def _folders(catalog: Catalog, project: Path) -> Iterator[str]:
    """The search path of a project; where meta.yaml is broken, what it could be made of."""
    yield find_workspace_dir(project)
    try:
        meta = catalog.index.meta(project)
    except ForgatherError:
        yield str(project)
        return
    yield from meta.searchpath
    yield from (meta.system_path,) if meta.system_path else ()


def _code(catalog: Catalog) -> tuple[str, ...]:
    """The code behind whatever was compiled, and data that was read for it when it was made last."""
    found: set[str] = set()
    build = catalog.build
    for compiled in list(build.compiler.done.values()):
        try:
            for target in catalog.targets(compiled.id).values():
                found |= {str(path) for path in code_files_of(build, target).values()}
                found |= set(_data(build.state.last(target.name)))
        except (ForgatherError, OSError, SyntaxError):  # its message has been shown
            continue
    return tuple(sorted(found))


def _data(record: Record | None) -> list[str]:
    files = [read[1] for read in record.reads if read[0] == "file"] if record is not None else []
    return files if len(files) <= MOST_DATA else []


def _outermost(folders: Iterable[str]) -> list[str]:
    """Less those that lie in another one."""
    found: list[str] = []
    for folder in sorted(folders):
        if not found or not folder.startswith(f"{found[-1]}{os.sep}"):
            found.append(folder)
    return found


def main(arguments: Sequence[str]) -> int:
    with os.fdopen(int(arguments[0]), "r+") as stream:
        this = Round(Order.read(stream))
        code = 1
        try:
            code = this.run()
        finally:
            sys.stdout.flush()
            write(this.report(code), stream)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
