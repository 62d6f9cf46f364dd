"""Runs the command line in forks of a warm process: a new process each time, in milliseconds.

A fork shares nothing with the runs before it but what is on disk, so it shows what ``doit`` typed into a
shell shows; only interpreter and imports are there already. Workers are forks too, and run the code that
``python -m forgather.launch.worker`` runs.
"""

from __future__ import annotations

import atexit
import gc
import hashlib
import importlib
import json
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

WARM = (
    "doit.cmd_run",
    "doit.doit_cmd",
    "forgather.make.tasks",
    "forgather.make.front.memory",
    "forgather.launch.worker",
    "forgather.launch.materialized",
    "forgather.launch.training",
    "forgather.ml.datasets",
    "forgather.graph.serial",
    "forgather.codegen.closure",
)


@dataclass
class Outcome:
    """What one command did: exit code, and how each task that was not current came about."""

    code: int
    output: str
    made: dict[str, str] = field(default_factory=dict)  # task -> built or restored
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)  # task -> see _note

    def how(self, kind: str) -> set[str]:
        return {task for task, how in self.made.items() if how == kind}

    @property
    def built(self) -> set[str]:
        """Tasks whose action ran (those restored from a store are not among them)."""
        return self.how("built")


def warm() -> None:
    """Import what every run needs, once; call it before the first fork."""
    for name in WARM:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


Environment = Mapping[str, str | None]  # a variable given as None is unset


def doit(root: Path, *arguments: str, environment: Environment | None = None) -> Outcome:
    """Run ``doit`` in ``root``."""
    with TemporaryDirectory(prefix="forked-") as scratch:
        child = start(root, *arguments, environment=environment, scratch=Path(scratch))
        return wait(child, Path(scratch))


def start(
    root: Path, *arguments: str, environment: Environment | None = None, scratch: Path
) -> int:
    """Start ``doit``; its process id."""
    return start_call(root, lambda: command_line(arguments), environment, scratch)


def start_call(
    root: Path, function: Callable[[], int | None], environment: Environment | None, scratch: Path
) -> int:
    """Start a function that gives what ``sys.exit`` takes, in a process group of its own, below ``root``."""

    def call() -> int | None:
        os.setpgid(0, 0)
        _prepare(root, dict(environment or {}), scratch)
        atexit._clear()  # what the tests have to clean up is not ours
        code = function()
        atexit._run_exitfuncs()
        return code

    child = os.fork()
    if child == 0:
        _end_with(call, failed=70)
    with suppress(ProcessLookupError, PermissionError):  # whoever comes first; it may be over
        os.setpgid(child, child)
    return child


def wait(child: int, scratch: Path) -> Outcome:
    _pid, status = os.waitpid(child, 0)
    return outcome(scratch, os.waitstatus_to_exitcode(status))


def outcome(scratch: Path, code: int) -> Outcome:
    """What a run that has ended left in its scratch folder."""
    output, made = scratch / "output", scratch / "made"
    lines = made.read_text().splitlines() if made.exists() else []
    text = output.read_text(errors="replace") if output.exists() else ""
    notes = [json.loads(line) for line in lines if line.endswith("}")]  # the last may be torn
    made = {note["task"]: note["how"] for note in notes}
    return Outcome(code, text, made, {note["task"]: note for note in notes})


def kill(child: int) -> None:
    """kill -9 of the build and of everything that it started, and nothing else."""
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)


def command_line(arguments: Sequence[str]) -> int:
    """What ``python -m doit`` does."""
    sys.argv = ["doit", *arguments]
    try:
        runpy.run_module("doit", run_name="__main__")
    except SystemExit as stop:
        return exit_code(stop.code)
    return 0


def exit_code(value: object) -> int:
    """The code of a process that ends with ``sys.exit(value)``: 0 for None, 1 for what is no number."""
    return value if isinstance(value, int) else int(value is not None)


def _end_with(function: Callable[[], object], *, failed: int) -> NoReturn:
    """End this fork with the exit code that ``function`` gives; ``failed`` if it raises.

    Whatever goes wrong, a fork must never return into its parent's code.
    """
    code = failed
    try:
        try:
            code = exit_code(function())
        except BaseException:  # noqa: BLE001 - see above
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001 - likewise; not all that it wrote is there
        code = failed
    finally:
        os._exit(code)


def _prepare(root: Path, environment: dict[str, str | None], scratch: Path) -> None:
    """The child's side of a start: its folder, its variables, its output."""
    os.chdir(root)
    sys.dont_write_bytecode = False  # as in a user's shell; whoever runs the tests may differ
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    with open(scratch / "output", "wb") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    # pytest has others in their place
    sys.stdout, sys.stderr = (os.fdopen(number, "w", 1, closefd=False) for number in (1, 2))
    sys.modules["doit.cmd_run"].opt_outfile[
        "default"
    ] = sys.stdout  # that of the time of its import
    _fork_workers()
    _stop_after_training()
    _note_what_is_made(scratch / "made")


def main() -> int:
    """A real process of its own, with real workers: ``python -m tests.integration.forked NOTES ...``."""
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    _stop_after_training()
    _note_what_is_made(Path(sys.argv[1]))
    return command_line(sys.argv[2:])


def _stop_after_training() -> None:
    """Leave out checkpoint, plot and report: they load libraries for seconds."""
    for name in ("forgather.make.request", "forgather.make.catalog"):
        importlib.import_module(name).AFTER_TRAINING = ()


def _note_what_is_made(path: Path) -> None:
    from forgather.make.build import Build

    def noted(does: Callable[..., Any]) -> Callable[..., Any]:
        def step(self: Build, target: Any, *args: Any, **kwargs: Any) -> Any:
            before = self.state.last(target.name)
            done = does(self, target, *args, **kwargs)
            how = done  # restore() gives the verdict of before, if it could
            if done is not None and not isinstance(done, str):
                how = "current" if done.is_current else "restored"
            if how in ("built", "restored"):
                note = _note(target.name, how, before, self.state.last(target.name))
                with open(path, "a") as stream:
                    stream.write(json.dumps(note) + "\n")
            return done

        return step

    Build.make, Build.restore = noted(Build.make), noted(Build.restore)


def _note(task: str, how: str, before: Any, after: Any) -> dict[str, Any]:
    """What a step did: its output files, and whether inputs and outputs are those of before."""
    inputs = json.dumps([after.key, after.reads])
    return {
        "task": task,
        "how": how,
        "files": [os.path.join(after.place, name) for name in after.files],
        "inputs": hashlib.sha256(inputs.encode()).hexdigest(),
        "same": before is not None
        and (before.key, before.reads, before.files) == (after.key, after.reads, after.files),
    }


def _fork_workers() -> None:
    from forgather.launch.executors import local

    class Forked:
        """As much of ``subprocess.Popen`` as a worker's caller needs."""

        def __init__(self, command: Sequence[str], env: Mapping[str, str], **_options: Any) -> None:
            assert "forgather.launch.worker" in command, command
            self.args = command
            self.pid = os.fork()
            if self.pid == 0:
                _work(list(command), dict(env))

        def wait(self, timeout: float | None = None) -> int:
            _pid, status = os.waitpid(self.pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    class Processes:
        """The module ``subprocess``, but for Popen."""

        Popen = Forked

        def __getattr__(self, name: str) -> Any:
            import subprocess

            return getattr(subprocess, name)

    local.subprocess = Processes()


def _work(command: list[str], environment: dict[str, str]) -> NoReturn:
    """The child's side of a worker."""

    def work() -> int:
        from forgather.launch import worker

        os.environ.clear()
        os.environ.update(environment)
        return worker.main(command[command.index("forgather.launch.worker") + 1 :])

    _end_with(work, failed=1)


if __name__ == "__main__":
    sys.exit(main())
