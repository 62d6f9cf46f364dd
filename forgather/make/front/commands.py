"""doit commands of ours: ``why``, and an ``info`` that speaks of artifacts."""

from __future__ import annotations

import sys
from typing import Any

from doit.cmd_base import Command, DoitCmdBase
from doit.cmd_info import Info as DoitInfo
from doit.exceptions import InvalidCommand

from forgather.errors import ForgatherError
from forgather.make.kinds import KINDS
from forgather.make.reasons.ask import FORMATS, why
from forgather.make.tasks import Loader, Refused


class Why(Command):
    """Creates no tasks: a config that is broken by now still has a last run."""

    doc_purpose = "say why a task would run, or why it ran last, down to the changed line"
    doc_usage = "TASK"
    doc_description = None
    cmd_options = (
        {
            "name": "last",
            "short": "",
            "long": "last",
            "type": bool,
            "default": False,
            "help": "why it ran when it ran last, not why it would run now",
        },
        {
            "name": "form",
            "short": "",
            "long": "format",
            "type": str,
            "default": FORMATS[0],
            "choices": tuple((name, "") for name in FORMATS),
            "help": "form of the output",
        },
    )

    def __init__(self, task_loader: Any = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.loader = task_loader if isinstance(task_loader, Loader) else Loader()

    def execute(self, opt_values: dict[str, Any], pos_args: list[str]) -> int:
        (name,) = _one(self, pos_args)
        if name.partition(":")[0] not in KINDS:
            raise InvalidCommand(
                f"{name!r} makes no artifact that has reasons; kinds of tasks that do: "
                + ", ".join(KINDS)
            )
        try:
            text = why(self._catalog(), name, last=opt_values["last"], form=opt_values["form"])
        except ForgatherError as error:
            if self.loader.raises:
                raise Refused(error) from None
            raise InvalidCommand(error.render()) from None
        sys.stdout.write(f"{text}\n")
        return 0

    def _catalog(self) -> Any:
        from forgather.make.catalog import Catalog

        return self.loader.catalog or Catalog(self.loader.root, self.loader.options)


class Info(DoitInfo):
    """doit's own ``info`` for its tasks; for ours: place, state, key, inputs and dependencies."""

    def _execute(self, pos_args: list[str], hide_status: bool = False) -> int:
        artifact = _artifact(self, pos_args)
        if artifact is None:
            return super()._execute(pos_args, hide_status)
        target, write = artifact.target, self.outstream.write
        record = artifact.build.state.last(target.name)
        write(f"{target.name}: {artifact.build.rules[target.kind].doc}\n")
        if not hide_status:
            verdict = artifact.verdict()
            write(f"status: {'up-to-date' if verdict.is_current else 'run'}\n")
            for reason in verdict.reasons:
                write(f"  {reason}\n")
        if record is not None:
            write(f"place: {record.place}\nkey: {record.key}\nfiles:\n")
            for name, sha in sorted(record.files.items()):
                write(f"  {name}  sha256:{sha[:16]}\n")
        else:
            write(f"place: {artifact!r}\n")
        write("depends on:\n")
        for name in target.deps:
            write(f"  {name}\n")
        return 0


def _one(command: Command, names: list[str]) -> list[str]:
    if len(names) != 1:
        raise InvalidCommand(f"'{command.name}' takes exactly one task")
    return names


def _artifact(command: DoitCmdBase, names: list[str]) -> Any:
    """What the one task named on the command line carries; None for a task that is not ours."""
    (name,) = _one(command, names)
    for task in command.task_list:
        if task.name == name:
            return (task.meta or {}).get("artifact")
    raise InvalidCommand(f"{name!r} is not a task")
