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
import shutil
import time
from pathlib import Path
from typing import Any

from forgather import __version__
from forgather.errors import BuildError
from forgather.make.build import Build
from forgather.make.compile import TRAINING
from forgather.make.lock import lease
from forgather.make.material import material, runtime_config, runtime_edges
from forgather.make.store import clone_file, write_atomically
from forgather.make.target import Made, Rule, Target
from forgather.make.worker_call import run_worker
from forgather.runs.layout import RUNS_DIRECTORY, list_checkpoints

LEDGER = "training.json"  # in the output directory: which training its content belongs to
EARLIER = "earlier"
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


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
    key, _inputs = build.key(target)
    output = output_directory(target)
    with lease(output / ".training.lock"):
        ledger = claim(output, key)
        if ledger["status"] != "done" or build.state.is_forgotten(target.name):
            ledger = _train(build, target, folder, output, ledger)
        return _finished(build, target, output, ledger)


# the output directory


def read_ledger(output: Path) -> dict[str, Any]:
    try:
        return json.loads((output / LEDGER).read_text())
    except (FileNotFoundError, ValueError):
        return {}


def claim(output: Path, key: str) -> dict[str, Any]:
    """Make ``output`` the directory of training ``key``; what is of another is set aside."""
    ledger = read_ledger(output)
    if ledger.get("key") == key:
        return ledger
    if list_checkpoints(output) or ledger:
        _set_aside(output, ledger.get("key", "unknown"))
    kept = output / EARLIER / key[:16]
    if kept.is_dir():
        for entry in sorted(kept.iterdir(), key=lambda path: path.name == LEDGER):
            os.replace(entry, output / entry.name)
        kept.rmdir()
        return read_ledger(output)
    started = time.strftime("%Y-%m-%dT%H-%M-%S")
    ledger = {"key": key, "status": "running", "started": started}
    write_atomically(output / LEDGER, json.dumps(ledger, indent=1))
    return ledger


def _set_aside(output: Path, key: str) -> None:
    """Move a training's checkpoints and ledger away; runs stay, they never collide."""
    kept = output / EARLIER / key[:16]
    kept.mkdir(parents=True, exist_ok=True)
    staying = {EARLIER, RUNS_DIRECTORY, ".training.lock"}
    # The ledger goes last: until then a killed move is continued by the next claim.
    for entry in sorted(output.iterdir(), key=lambda path: path.name == LEDGER):
        if entry.name not in staying:
            os.replace(entry, kept / entry.name)


# training


def _train(
    build: Build, target: Target, folder: Path, output: Path, ledger: dict[str, Any]
) -> dict[str, Any]:
    ready = set(target.deps)
    meta = target.compiled.meta
    action = {
        "action": "train",
        "config": runtime_config(build, target.compiled, ready),
        "edges": runtime_edges(build, target.compiled, ready),
        "targets": ["main"],
        "resume": True,
        "values": run_values(ledger["started"]),
        "processes": int(meta.get("nproc_per_node") or 1),
        "resume_command": f"{build.options.command} {target.name}",
    }
    result = run_worker(build, target, action, folder)
    done = ledger | {"status": "done", **result.get("values", {})}
    write_atomically(output / LEDGER, json.dumps(done, indent=1))
    return done


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
    names = [str(checkpoint.relative_to(output) / name) for name in weight_files(checkpoint)]
    run = Path(ledger["run"])
    names += [
        str((run / name).relative_to(output))
        for name in ("trainer_logs.json", "config.yaml", "samples.jsonl")
        if (run / name).exists()
    ]
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
    return Made(values, [], output, files)


def weight_files(checkpoint: Path) -> list[str]:
    """Names of the files that hold the weights: one, or an index and its shards."""
    index = checkpoint / WEIGHTS[1]
    if index.exists():
        shards = set(json.loads(index.read_text())["weight_map"].values())
        return [WEIGHTS[1], *sorted(shards)]
    return [WEIGHTS[0]]


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


RULE = Rule("train", "a training run and its checkpoints", inputs, make, stored=False)
