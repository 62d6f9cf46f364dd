"""``train``: a run and its checkpoints, in the project's ``output_models/<model_name>/``.

A training is keyed on what decides its weights. Its directory remembers the key:

* same key, unfinished: the training goes on from its newest whole checkpoint, in the same run;
* same key, finished: nothing is done;
* another key: what is there is set aside under ``earlier/<key>/`` by renames, and comes back when
  the config is changed back. Nothing that was trained is overwritten or deleted.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import time
from pathlib import Path
from typing import Any

from forgather import __version__
from forgather.errors import BuildError
from forgather.launch.outputs import weight_files
from forgather.make.build import Build
from forgather.make.digest import tree_files
from forgather.make.lock import lease
from forgather.make.material import material, runtime_config, runtime_edges
from forgather.make.origin import provenance
from forgather.make.plan import own_variables
from forgather.make.skeleton import TRAINING
from forgather.make.storage.disk_cache import clone_file, write_atomically
from forgather.make.storage.entry import Entry
from forgather.make.target import Made, Rule, Target
from forgather.make.worker_call import refuse_other_job, run_worker, take_result
from forgather.runs.layout import (
    CONFIG_FILE,
    LOG_FILE,
    RUNS_DIRECTORY,
    SAMPLES_FILE,
    list_checkpoints,
)
from forgather.runs.ledger import EARLIER_DIRECTORY, LEDGER_FILE, LOCK_FILE, read_ledger


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return {
        "training": material(build, target.compiled, TRAINING, own_code=False),
        "toolchain": build.toolchain("torch", "transformers", "numpy"),
        "forgather": __version__,
    }


def output_directory(target: Target) -> Path:
    """Where the config wants its checkpoints and runs. Raises BuildError if it says nothing."""
    path = target.compiled.meta.get("output_dir")
    if not path:
        raise BuildError(
            f"the config {target.id} names no output directory",
            hint="set 'output_dir' in its 'meta' target (training_script_type.yaml does)",
            code="FG607",
        )
    return Path(path)


def make(build: Build, target: Target, folder: Path) -> Made:
    key, inputs = build.key(target)
    output = output_directory(target)
    with lease(output / LOCK_FILE):
        refuse_other_job(build, output, read_ledger(output).get("key"), key)
        ledger = claim(output, key, own_variables(target.compiled.instance))
        if not _is_done(build, output, ledger) or build.state.is_forgotten(target.name):
            provenance.write(output, key, provenance.collect(build, target, inputs))
            ledger = _train(build, target, folder, output, ledger)
            take_result(build, key)
        return _finished(build, target, output, ledger)


def restore(build: Build, target: Target, entry: Entry) -> Made:
    """The training as another checkout, or an earlier build, left it in the store."""
    output = output_directory(target)
    with lease(output / LOCK_FILE):
        ledger = claim(output, entry.key, own_variables(target.compiled.instance))
        own = ledger.get("weights") or {}  # of a training that ended here, perhaps otherwise
        is_same = all(entry.files.get(name) == sha for name, sha in own.items())
        for name, sha in (
            entry.files.items() if is_same or not _is_done(build, output, ledger) else ()
        ):
            if not _has(build, output / name, sha):
                _copy_out(build, sha, output / name)
        if ledger["status"] != "done":
            provenance.write(output, entry.key, entry.provenance)
            weights = {name: sha for name, sha in entry.files.items() if name in _weights(output)}
            ledger |= {
                "status": "done",
                "run": str(output / entry.values["run"]),
                "weights": weights,
            }
            write_atomically(output / LEDGER_FILE, json.dumps(ledger, indent=1))
        return _finished(build, target, output, ledger)


def _copy_out(build: Build, sha: str, place: Path) -> None:
    aside = place.with_name(f".{place.name}.new")
    aside.parent.mkdir(parents=True, exist_ok=True)
    aside.unlink(missing_ok=True)
    try:
        build.store.copy_out(sha, aside)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        os.replace(aside, place)
    finally:
        aside.unlink(missing_ok=True)


# the output directory


def claim(output: Path, key: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Make ``output`` the directory of training ``key``; what is of another is set aside.

    variables: what the config was given, for whoever compares runs.
    """
    ledger = read_ledger(output)
    if ledger.get("key") == key:
        return ledger
    if list_checkpoints(output) or ledger:
        _set_aside(output, ledger.get("key", "unknown"))
    kept = output / EARLIER_DIRECTORY / key[:16]
    if kept.is_dir():
        for entry in sorted(kept.iterdir(), key=lambda path: path.name == LEDGER_FILE):
            os.replace(entry, output / entry.name)
        kept.rmdir()
        return read_ledger(output)
    started = time.strftime("%Y-%m-%dT%H-%M-%S")
    ledger = {"key": key, "status": "running", "started": started, "variables": variables}
    write_atomically(output / LEDGER_FILE, json.dumps(ledger, indent=1))
    return ledger


def _set_aside(output: Path, key: str) -> None:
    """Move a training's checkpoints and ledger away; runs stay, they never collide."""
    kept = output / EARLIER_DIRECTORY / key[:16]
    kept.mkdir(parents=True, exist_ok=True)
    staying = {EARLIER_DIRECTORY, RUNS_DIRECTORY, LOCK_FILE}
    # The ledger goes last: until then a killed move is continued by the next claim.
    for entry in sorted(output.iterdir(), key=lambda path: path.name == LEDGER_FILE):
        if entry.name not in staying:
            os.replace(entry, kept / entry.name)


# training


def _train(
    build: Build, target: Target, folder: Path, output: Path, ledger: dict[str, Any]
) -> dict[str, Any]:
    result = run_worker(build, target, training_action(build, target, ledger["started"]), folder)
    weights = {name: build.digests(output / name) for name in _weights(output)}
    done = ledger | {"status": "done", "weights": weights, **result.get("values", {})}
    write_atomically(output / LEDGER_FILE, json.dumps(done, indent=1))
    return done


def claimed_action(build: Build, target: Target) -> dict[str, Any] | None:
    """The action of a training that others will run in its directory; None where it is done."""
    key, inputs = build.key(target)
    output = output_directory(target)
    with lease(output / LOCK_FILE):
        refuse_other_job(build, output, read_ledger(output).get("key"), key)
        ledger = claim(output, key, own_variables(target.compiled.instance))
        if _is_done(build, output, ledger):
            return None
        provenance.write(output, key, provenance.collect(build, target, inputs))
    return training_action(build, target, ledger["started"])


def _is_done(build: Build, output: Path, ledger: dict[str, Any]) -> bool:
    """Whether the training has ended, and its weights are those that it ended with.

    Damaged ones are trained again, from the newest checkpoint that is whole.
    """
    weights = ledger.get("weights") or {}
    return ledger["status"] == "done" and all(
        _has(build, output / name, sha) for name, sha in weights.items()
    )


def _has(build: Build, path: Path, sha: str) -> bool:
    try:
        return build.digests(path) == sha
    except OSError:
        return False


def _weights(output: Path) -> list[str]:
    """The files of the final weights; none where there is no checkpoint."""
    checkpoints = list_checkpoints(output)
    if not checkpoints:
        return []
    checkpoint = checkpoints[-1][1]
    return [str(checkpoint.relative_to(output) / name) for name in weight_files(checkpoint)]


def training_action(build: Build, target: Target, started: str) -> dict[str, Any]:
    """What a worker is asked to do; ``started`` is the time that the run's names are made of."""
    ready = set(target.deps)
    return {
        "action": "train",
        "config": runtime_config(build, target.compiled, ready),
        "edges": runtime_edges(build, target.compiled, ready),
        "targets": ["main"],
        "resume": True,
        "values": run_values(started),
        "processes": int(target.compiled.meta.get("nproc_per_node") or 1),
        "resume_command": f"{build.options.command} {shlex.quote(target.name)}",
    }


def run_values(started: str) -> dict[str, str]:
    """What the volatile functions of a config stand for in this run."""
    day, _, clock = started.partition("T")
    iso = f"{day}T{clock.replace('-', ':')}"
    return {
        "filetime": started,
        "utcfiletime": started,
        "isotime": iso,
        "utcisotime": iso,
        "hostname": platform.node(),
        "cwd": os.getcwd(),
    }


def _finished(build: Build, target: Target, output: Path, ledger: dict[str, Any]) -> Made:
    """Record the final weights and the run; make the output directory loadable by itself."""
    checkpoints = list_checkpoints(output)
    if not checkpoints:
        raise BuildError(
            f"{target.name} finished without a checkpoint in {output}",
            hint="set save_strategy to 'steps' or 'epoch': what is not saved cannot be built on",
            code="FG608",
        )
    step, checkpoint = checkpoints[-1]
    names = _weights(output)
    run = Path(ledger["run"])
    if not run.is_relative_to(output):  # the whole workspace was moved since
        run = output / RUNS_DIRECTORY / run.name
    names += [
        str((run / name).relative_to(output))
        for name in (LOG_FILE, CONFIG_FILE, SAMPLES_FILE)
        if (run / name).exists()
    ]
    state = tree_files(checkpoint)  # with the optimizer's: whoever restores it can train on
    kept = [str(checkpoint.relative_to(output) / path) for path in state]
    package = build.planner.model_package(target.compiled)
    if package is not None:
        _copy_package(build.output_path(f"model:{package[0].id}"), checkpoint, output)
    files = {name: build.digests(output / name) for name in names}
    values = {
        "checkpoint": str(checkpoint.relative_to(output)),
        "run": str(run.relative_to(output)),
        "step": step,
        "output_dir": os.path.relpath(output, build.root),
    }
    return Made(values, [], output, files, tuple(name for name in kept if name not in files))


def _copy_package(package: Path, checkpoint: Path, output: Path) -> None:
    """Put code, config, tokenizer and weights into ``output``, so that it loads on its own."""
    for source in [*package.iterdir(), *(checkpoint / name for name in weight_files(checkpoint))]:
        if source.is_file():
            aside = output / f".{source.name}.new"
            aside.unlink(missing_ok=True)
            clone_file(source, aside)
            shutil.copymode(source, aside)
            os.chmod(aside, 0o644)
            os.replace(aside, output / source.name)


RULE = Rule(
    "train",
    "a training run and its checkpoints",
    inputs,
    make,
    restore=restore,
    place=output_directory,
)
