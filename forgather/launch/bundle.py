"""An action bundle, and the one module that a node runs: ``python -m forgather.launch.bundle FILE [LOG]``.

A bundle is a JSON file that says all about one action: the arguments of its process, the environment,
each input file with its digest, and which files it leaves. The node looks nothing up: it knows no
templates, no projects and no build graph. It checks the inputs, starts the process (or its share of a
gang), and writes ``result.json`` beside the bundle, aside and renamed: that file is the commit point.
While it is missing the action is not done, and running the bundle again goes on where it was.

With LOG, all that is said goes to the end of that file. A scheduler gives the process a pipe, and reads
the other end: were that reader killed, the next thing that the action says would end it, though nothing
is wrong with it and its result may be there already.

How the node's process ends tells the batch script what to do:

* 0: done, the result is written.
* 1: the action failed, and would fail again; the result says why.
* ``RETRY``: the process, or one of its gang, was killed; the next start resumes from its newest checkpoint.
* ``STOPPED``: the scheduler asked it to stop, and it saved. No result.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from forgather.durable import replace_file
from forgather.errors import BuildError
from forgather.launch.gang import Gang
from forgather.launch.outputs import output_digests

SCHEMA = 1
RETRY = 75  # sysexits.h: a failure that may pass
STOPPED = 130
BUNDLE_FILE = "bundle.json"
RESULT_FILE = "result.json"
WORKER_RESULT = "worker.json"  # what the action's own process reports
# Set in the processes of a bundle: what would render a template there is an error instead.
SEALED = "FORGATHER_BUNDLE"


@dataclass(frozen=True)
class Input:
    """A file that must hold what it held when the bundle was made."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Bundle:
    """One action for a node.

    name: the task, for messages. key: its action key. ticket: names this one submission.
    argv: arguments for the Python interpreter. processes: how many of them on each node.
    folder: where result and scratch files go. outputs: see :mod:`forgather.launch.outputs`.
    promise: for an action whose key is not known yet, the part of its key's inputs that is.
    """

    name: str
    key: str
    ticket: str
    folder: str
    argv: list[str]
    inputs: list[Input] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    processes: int = 1
    promise: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    def dumps(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @classmethod
    def loads(cls, text: str) -> Bundle:
        """Raises BuildError (FG650) where ``text`` is not a bundle of this schema."""
        try:
            data = json.loads(text)
            if data["schema"] != SCHEMA:
                raise BuildError(
                    f"a bundle of schema {data['schema']}, where this forgather reads {SCHEMA}",
                    hint="install the same version on the nodes and on the machine that submits",
                    code="FG650",
                )
            inputs = [Input(**one) for one in data.pop("inputs")]
            return cls(**data, inputs=inputs)
        except (ValueError, KeyError, TypeError) as error:
            raise BuildError(f"not an action bundle: {error}", code="FG650") from error

    def check_inputs(self) -> None:
        """Raises BuildError (FG651) at the first input that is not what it was."""
        for one in self.inputs:
            try:
                with open(one.path, "rb") as stream:
                    found = hashlib.file_digest(stream, "sha256").hexdigest()
            except OSError as error:
                raise _bad_input(self, one, error.strerror or str(error)) from error
            if found != one.sha256:
                raise _bad_input(self, one, f"its sha256 is {found[:12]}..., not {one.sha256[:12]}")


def _bad_input(bundle: Bundle, one: Input, what: str) -> BuildError:
    return BuildError(
        f"{bundle.name} cannot run on {platform.node()}: its input {one.path}: {what}",
        hint="inputs must not change while a job waits, and must be seen at the same path on every "
        "node; run the same command again to submit what is there now",
        code="FG651",
    )


def read_result(folder: Path, ticket: str) -> dict[str, Any] | None:
    """The result of the submission ``ticket``, once it is there."""
    try:
        result = json.loads((folder / RESULT_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return result if result.get("ticket") == ticket else None


# on the node


def main(argv: list[str] | None = None) -> int:
    path, *log = sys.argv[1:] if argv is None else argv
    bundle = Bundle.loads(Path(path).read_text())
    gang = Gang.from_environment(os.environ)
    if gang.rank > 0:
        bundle.check_inputs()
        return _run(bundle, gang)[0]
    if log:
        _speak_into(log[0])
    folder = Path(bundle.folder)
    with _only_one(folder / "running.lock"):
        done = read_result(folder, bundle.ticket)
        if done is not None:  # a start of the same job, on a node that was thought lost, did it
            return int(bool(done.get("error")))
        return _run_and_report(bundle, gang, folder)


def _speak_into(log: str) -> None:
    """Let the standard output and error of this process, and of all it starts, be the end of ``log``."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for standard in (sys.stdout, sys.stderr):
        standard.flush()
        os.dup2(descriptor, standard.fileno())
    os.close(descriptor)


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """Never two starts of one job at once, even where the scheduler has lost sight of a node."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _run_and_report(bundle: Bundle, gang: Gang, folder: Path) -> int:
    report: dict[str, Any] = {
        "ticket": bundle.ticket,
        "key": bundle.key,
        "host": platform.node(),
        "attempt": gang.attempt,
        "started": time.time(),
    }
    try:
        (folder / WORKER_RESULT).unlink(missing_ok=True)
        bundle.check_inputs()
        code, was_asked = _run(bundle, gang)
        result = _worker_result(folder)
        if code != 0 and (was_asked or result.get("exit") == STOPPED):
            return STOPPED
        killer = _killer(bundle, gang, code, result)
        if killer:
            sys.stderr.write(f"{bundle.name}: its process was ended by {killer}\n")
            return RETRY
        if code and not result.get("error"):
            result = {"error": f"the worker process ended with status {code}", "exit": code}
        report |= {"result": result, "error": result.get("error")}
        if not result.get("error"):
            report["outputs"] = output_digests(bundle.outputs)
    except BuildError as error:
        report["error"] = error.render()
    text = json.dumps(report | {"ended": time.time()}, indent=1, sort_keys=True)
    replace_file(folder / RESULT_FILE, text)
    return int(bool(report["error"]))


def _killer(bundle: Bundle, gang: Gang, code: int, result: Mapping[str, Any]) -> str | None:
    """What ended the process from outside; None where it ended by itself."""
    if code < 0:
        return signal.Signals(-code).name
    # torchrun ends with 1 however one of its processes died. One that fails by itself reports why.
    is_gang = gang.nodes > 1 or bundle.processes > 1
    return "the end of its gang" if is_gang and code and not result.get("error") else None


def _worker_result(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / WORKER_RESULT).read_text())
    except FileNotFoundError:
        return {}


def _run(bundle: Bundle, gang: Gang) -> tuple[int, bool]:
    """Run this node's share; the status, and whether the scheduler asked it to stop."""
    command = gang.command(bundle.argv, bundle.processes, Path(bundle.folder))
    environment = node_environment(bundle.environment, os.environ)
    asked: list[int] = []
    process: subprocess.Popen | None = None

    def forward(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        if process is not None:
            process.send_signal(signal.SIGTERM)

    previous = signal.signal(signal.SIGTERM, forward)
    try:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        if asked:  # it came while the process started
            process.send_signal(signal.SIGTERM)
        return process.wait(), bool(asked)
    finally:
        signal.signal(signal.SIGTERM, previous)


def node_environment(declared: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the action's processes: what was declared wins over the node's own."""
    return {"OMP_WAIT_POLICY": "PASSIVE", **given, **declared, SEALED: "1"}


if __name__ == "__main__":
    sys.exit(main())
