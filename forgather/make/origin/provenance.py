"""Where an artifact comes from: everything that it takes to make it again, as plain JSON.

Collected when an artifact is made and kept with its entry in the store; a training has it in its
output directory too. It is in no key: it tells a reader, and decides nothing. What it names, templates
and code, is kept by digest (:mod:`forgather.make.storage.sources`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgather.make.origin.circumstances import circumstances
from forgather.make.reasons.facts import ABSENT, ENVIRONMENT
from forgather.make.roots import contract
from forgather.make.skeleton import TRAINING
from forgather.make.storage.disk_cache import write_atomically
from forgather.make.storage.sources import Sources

if TYPE_CHECKING:
    from forgather.make.build import Build
    from forgather.make.compile import Compiled, Instance
    from forgather.make.state import Record
    from forgather.make.target import Target

SCHEMA = 2
TEXT_ONLY = ("pp", "graph")  # nothing but what the templates of a config say
FILE = "provenance.json"  # in the output directory of a training
PACKAGE = Path(__file__).parents[2]
KEPT_DATA = 100  # data files whose text is kept: of a corpus of a million files, none is

# The targets of a config whose code an artifact is made by, by its kind.
CODE_OF = {
    "tokenizer": ("tokenizer",),
    "dataset": ("corpus", "train_dataset", "eval_dataset"),
    "model": ("model_package",),
    "train": (TRAINING,),
}


def collect(
    build: Build, target: Target, inputs: dict[str, Any], reads: Iterable[list[str]] = ()
) -> dict[str, Any]:
    """The provenance of what ``target`` is made of now; keeps the texts of its sources.

    reads: data files, as a worker reported them.
    """
    code = {str(path): build.digests(path) for path in code_files_of(build, target).values()}
    data = [list(read) for read in reads]
    _keep_texts(build, target, code, data)
    roots = target.compiled.roots
    return {
        "schema": SCHEMA,
        "task": target.name,
        "kind": target.kind,
        "config": config_of(build.root, target.compiled.instance, target.compiled.roots),
        "compiled": compiled_blobs(target.compiled),
        "inputs": inputs,
        **split_reads(target.compiled.data["inputs"]["reads"]),
        "uses": _used_configs(build, target),
        "code": {contract(path, roots): sha for path, sha in code.items()},
        "data": contract(data, roots),
        "needs": _needs(build, target),
        **circumstances(build.root, ask=True),
    }


def _keep_texts(
    build: Build, target: Target, code: Mapping[str, str], data: Iterable[list[str]]
) -> None:
    sources = Sources.of(build.store)
    for compiled in (target.compiled, *_other_configs(build, target).values()):
        sources.keep((path, sha) for kind, _, path, sha in compiled.reads if kind == "template")
    sources.keep(code.items())
    files = [(read[1], read[2]) for read in data if read[0] == "file"]
    sources.keep(files if len(files) <= KEPT_DATA else ())


def config_of(root: Path, instance: Instance, roots: Mapping[str, str]) -> dict[str, Any]:
    """Which config it is, and where, seen from the build root."""
    return {
        "id": instance.id,
        "project": os.path.relpath(instance.project_dir, root),
        "name": instance.config,
        "variables": dict(instance.variables),
        "roots": {name: os.path.relpath(roots[name], root) for name in ("project", "workspace")},
    }


def compiled_blobs(compiled: Compiled) -> dict[str, str]:
    """The compiled config, and the places in templates behind it, as blobs of the store."""
    return {name: compiled.outputs[f"{name}.json"].digest for name in ("graph", "spans")}


def _used_configs(build: Build, target: Target) -> dict[str, Any]:
    """Other configs whose targets this one is made of, and their templates."""
    return {
        name: {
            "config": config_of(build.root, compiled.instance, compiled.roots),
            **split_reads(compiled.data["inputs"]["reads"]),
        }
        for name, compiled in _other_configs(build, target).items()
    }


def _other_configs(build: Build, target: Target) -> dict[str, Compiled]:
    return {
        owner.id: owner
        for name in CODE_OF.get(target.kind, ())
        if target.compiled.target(name) is not None
        for owner, _name, _description in build.planner.uses(target.compiled, name)
        if owner is not target.compiled
    }


def split_reads(reads: dict[str, str]) -> dict[str, Any]:
    """What rendering read: templates by digest, places that were empty, environment variables."""
    files = {place: sha for place, sha in reads.items() if not place.startswith(ENVIRONMENT)}
    return {
        "templates": {place: sha for place, sha in files.items() if sha != ABSENT},
        "absent": [place for place, sha in files.items() if sha == ABSENT],
        "environment": {
            place.removeprefix(ENVIRONMENT): sha
            for place, sha in reads.items()
            if place.startswith(ENVIRONMENT)
        },
    }


def joined_reads(document: Mapping[str, Any]) -> dict[str, str]:
    """The inverse of :func:`split_reads`."""
    environment = document["environment"].items()
    return {
        **document["templates"],
        **dict.fromkeys(document["absent"], ABSENT),
        **{f"{ENVIRONMENT}{name}": sha for name, sha in environment},
    }


def of_text(task: str, record: Record, reads: dict[str, str]) -> dict[str, Any]:
    """The provenance of a config's text or graph, of which no entry of the store tells.

    reads: what rendering read, from the record of ``pp``.
    """
    made = {"code": {}, "data": [], "needs": {}, "uses": {}, "compiled": record.config}
    document = {"schema": SCHEMA, "task": task, "kind": task.partition(":")[0]}
    return {**document, **record.provenance, "inputs": record.inputs, **split_reads(reads), **made}


def sources_in(inputs: Mapping[str, Any], inside: bool = False) -> Iterator[tuple[str, str]]:
    """Names and digests of source files in the inputs of a key, wherever they stand."""
    for name, value in inputs.items():
        if isinstance(value, Mapping):
            yield from sources_in(value, name in ("sources", "shell", "code"))
        elif inside and isinstance(value, str):
            yield name, value


def _needs(build: Build, target: Target) -> dict[str, dict[str, str]]:
    """Of the artifacts that this one is made from: digest, key, and the store's entry."""
    found = {}
    for task in target.deps:
        record = build.state.last(task)
        if record is not None:
            entry = record.entry or record.key
            found[task] = {"key": record.key, "digest": record.digest, "entry": entry}
    return found


def code_files_of(build: Build, target: Target) -> dict[str, Path]:
    """The source files that decide what ``target`` becomes, by the names they have in its key."""
    from forgather.make.material import source_files
    from forgather.resources import modelsrc_dir

    found: dict[str, Path] = {}
    own = target.kind != "train"
    for name in CODE_OF.get(target.kind, ()):
        if target.compiled.target(name) is not None:
            for owner, _name, description in build.planner.uses(target.compiled, name):
                found |= source_files(build, owner, description, own_code=own)
    if target.kind == "model":
        found |= {path.name: path for path in (modelsrc_dir() / "hf").glob("*.template")}
    if target.kind == "plot":
        found |= {path.name: path for path in (PACKAGE / "ml" / "analysis").glob("*.py")}
    return found


# in an output directory


def write(output: Path, key: str, document: dict[str, Any]) -> None:
    """Put a training's provenance into its output directory, beside its ledger."""
    text = json.dumps({"key": key, **document}, indent=1, sort_keys=True)
    write_atomically(output / FILE, text + "\n")


def read(output: Path) -> dict[str, Any]:
    """What :func:`write` wrote, with its key; empty where there is nothing of the kind."""
    try:
        data = json.loads((output / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) and is_whole(data) else {}


def is_whole(document: Mapping[str, Any]) -> bool:
    """Is it the provenance of an artifact, with all that this version keeps?"""
    return document.get("schema") == SCHEMA
