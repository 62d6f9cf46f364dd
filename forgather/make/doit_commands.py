"""doit commands of ours: ``why``, and an ``info`` that speaks of artifacts."""

from __future__ import annotations

import os
from typing import Any

from doit.cmd_base import DoitCmdBase
from doit.cmd_info import Info as DoitInfo
from doit.exceptions import InvalidCommand

from forgather.errors import Span
from forgather.make.explain import explain, lines


def _artifact(command: DoitCmdBase, names: list[str]) -> Any:
    """What the one task named on the command line carries; None for a task that is not ours."""
    if len(names) != 1:
        raise InvalidCommand(f"'{command.name}' takes exactly one task")
    for task in command.task_list:
        if task.name == names[0]:
            return (task.meta or {}).get("artifact")
    raise InvalidCommand(f"{names[0]!r} is not a task")


class Why(DoitCmdBase):
    doc_purpose = "say why a task would run, down to the changed line"
    doc_usage = "TASK"
    doc_description = None

    def _execute(self, pos_args: list[str]) -> int:
        artifact = _artifact(self, pos_args)
        if artifact is None:
            raise InvalidCommand(f"{pos_args[0]!r} makes no artifact: it runs every time")
        reason = explain(artifact.build, artifact.target, artifact.catalog.target)
        root = artifact.build.root

        def place(span: Span) -> str:
            path = os.path.relpath(span.path, root) if span.path else span.template
            return f"{path}:{span.line}"

        for line in lines(reason, place):
            self.outstream.write(f"{line}\n")
        return 0


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
