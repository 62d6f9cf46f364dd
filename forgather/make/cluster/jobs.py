"""The folder of a job, ``build/jobs/<key>``: what survives the build that started it.

::

    bundle.json   there from before the job is submitted until its result is collected
    job.json      which job that is: a hint, for the scheduler finds it by its name too
    inputs/       links to blobs of the store: what the node reads, under paths that stay
    work/         scratch files and outputs of the action
    result.json   written by the node, last
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forgather.launch.bundle import BUNDLE_FILE, Bundle, Input, read_result
from forgather.make.build import Build
from forgather.make.digest import canonical_json
from forgather.make.material import source_files
from forgather.make.state import Record
from forgather.make.storage.disk_cache import clone_file, write_atomically
from forgather.make.target import Target

JOBS = "jobs"
COLLECTED = "collected.json"  # the bundle, once its result was taken
# What of this process's environment the node's process gets, besides what the scheduler passes on.
PASSED_ON = ("PYTHONPATH", "OMP_NUM_THREADS", "TOKENIZERS_PARALLELISM", "CUBLAS_WORKSPACE_CONFIG")
PASSED_PREFIXES = ("HF_", "NCCL_", "GLOO_", "TORCH_")
SECRET = ("TOKEN", "KEY", "SECRET", "PASSWORD")


@dataclass(frozen=True)
class JobFolder:
    """One job's folder; ``path`` may not exist."""

    path: Path

    @property
    def bundle(self) -> Bundle | None:
        """The bundle that was submitted, or is about to be, and not collected."""
        try:
            return Bundle.loads((self.path / BUNDLE_FILE).read_text())
        except FileNotFoundError:
            return None

    def result(self) -> dict[str, Any] | None:
        bundle = self.bundle
        return read_result(self.path, bundle.ticket) if bundle is not None else None

    def note(self) -> dict[str, Any]:
        try:
            return json.loads((self.path / "job.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}

    def write_note(self, **values: Any) -> None:
        write_atomically(self.path / "job.json", canonical_json(values))

    def clear(self) -> None:
        """Make it a fresh folder, with nothing of an earlier submission but which job that was."""
        for entry in self.path.iterdir() if self.path.is_dir() else ():
            if entry.name == "job.json":
                continue
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.path.mkdir(parents=True, exist_ok=True)

    def collected(self) -> None:
        """The result was taken: it is not taken again, and the inputs may go."""
        if (self.path / BUNDLE_FILE).exists():
            os.replace(self.path / BUNDLE_FILE, self.path / COLLECTED)
        shutil.rmtree(self.path / "inputs", ignore_errors=True)
        shutil.rmtree(self.path / "work", ignore_errors=True)


def job_folder(build: Build, key: str) -> JobFolder:
    return JobFolder(build.directory / JOBS / key)


def make_bundle(
    build: Build,
    target: Target,
    key: str,
    action: Mapping[str, Any],
    *,
    scratch: Path | None,
    outputs: dict[str, str],
    tasks: int,
    promise: dict[str, Any] | None = None,
) -> Bundle:
    """Write the bundle of ``action`` and all it needs; ``bundle.json`` is written last.

    scratch: the folder that the action works in; a copy of it takes its place.
    tasks: processes on each node.
    """
    folder = job_folder(build, key)
    folder.clear()
    places, inputs = _stage(build, target, action, folder.path / "inputs")
    if scratch is not None:
        shutil.copytree(scratch, folder.path / "work")
        places[str(scratch)] = str(folder.path / "work")
    else:
        (folder.path / "work" / "out").mkdir(parents=True)
    moved = _move(dict(action), places)
    spec = folder.path / "action.json"
    text = canonical_json(moved | {"schema": 1, "result": str(folder.path / "worker.json")})
    write_atomically(spec, text)
    inputs.append(Input(str(spec), build.digests(spec)))
    bundle = Bundle(
        name=target.name,
        key=key,
        ticket=secrets.token_hex(8),
        folder=str(folder.path),
        argv=["-m", "forgather.launch.worker", str(spec)],
        inputs=inputs,
        outputs=_move(outputs, places),
        environment=passed_on(os.environ) | dict(action.get("environment") or {}),
        processes=tasks,
        promise=promise or {},
    )
    write_atomically(folder.path / BUNDLE_FILE, bundle.dumps())
    return bundle


def passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    """What a bundle declares of the environment; nothing whose name sounds like a secret."""
    return {
        name: value
        for name, value in sorted(environ.items())
        if (name in PASSED_ON or name.startswith(PASSED_PREFIXES))
        and not any(word in name for word in SECRET)
    }


def _stage(
    build: Build, target: Target, action: Mapping[str, Any], folder: Path
) -> tuple[dict[str, str], list[Input]]:
    """Where each input lies from now on, and its digest. Artifacts are linked, sources checked."""
    places: dict[str, str] = {}
    inputs: dict[str, Input] = {}
    for config in _configs(action):
        for name in ("graph", "spans", "text"):
            source = Path(config[name])
            sha = build.digests(source)
            place = folder / f"{sha}.{name}"
            if str(source) not in places:
                link_or_copy(source, place)
                places[str(source)] = str(place)
                inputs[str(place)] = Input(str(place), sha)
    for record, root in _artifacts(build, target, action):
        tree = folder / record.digest[:16]
        for name, sha in record.files.items():
            _give(build, sha, Path(root, name), tree / name)
            inputs[str(tree / name)] = Input(str(tree / name), sha)
        places[root] = str(tree)
    for path in _sources(build, target, action):
        inputs[str(path)] = Input(str(path), build.digests(path))
    return places, list(inputs.values())


def _configs(action: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [action["config"], *action["edges"].values()] if "config" in action else []


def _artifacts(
    build: Build, target: Target, action: Mapping[str, Any]
) -> Iterator[tuple[Record, str]]:
    """The records of the artifacts that the action reads, and where those lie."""
    wanted = [path for config in _configs(action) for path in config["overrides"].values()]
    wanted += [action["package"]] if "package" in action else []
    records = [record for task in target.deps if (record := build.state.get(task)) is not None]
    roots = {os.path.join(build.root, record.place): record for record in records}
    for root, record in roots.items():
        inner = [other for other in roots if other.startswith(f"{root}/")]
        if any(
            _is_below(path, root) and not any(_is_below(path, o) for o in inner) for path in wanted
        ):
            yield record, root


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def _sources(build: Build, target: Target, action: Mapping[str, Any]) -> list[Path]:
    """What the action reads where it is, and what must stay as it is: the user's code, a log."""
    found = {Path(action["log"])} if "log" in action else set()
    for name in action.get("targets", ()):
        for owner, _name, description in build.planner.uses(target.compiled, name):
            found.update(source_files(build, owner, description, own_code=False).values())
    return sorted(found)


def _give(build: Build, sha: str, published: Path, place: Path) -> None:
    """Put an artifact's file where the node reads it: the store's, else a copy of what was made."""
    if build.store.has_blob(sha):
        link_or_copy(build.store.blob(sha), place)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        clone_file(published, place)


def link_or_copy(source: Path, place: Path) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except OSError:  # another filesystem, or one without links
        clone_file(source, place)


def _move(value: Any, places: Mapping[str, str]) -> Any:
    """``value`` with every path that lies in one of ``places`` moved to where that is now."""
    if isinstance(value, str):
        for old, new in sorted(places.items(), key=lambda item: -len(item[0])):
            if _is_below(value, old):
                return new + value[len(old) :]
        return value
    if isinstance(value, Mapping):
        return {name: _move(item, places) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_move(item, places) for item in value]
    return value
