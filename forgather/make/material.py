"""What a target is made of, as digests: its graph, other artifacts, other configs, source files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from forgather.launch.edges import edge_key
from forgather.make.build import Build
from forgather.make.code import code_files
from forgather.make.compile import Compiled
from forgather.make.probes import note_listing
from forgather.make.roots import contract, expand
from forgather.make.skeleton import artifact_names


def material(build: Build, compiled: Compiled, target: str, *, own_code: bool) -> dict[str, Any]:
    """Key material of ``target``: skeletons, digests of the artifacts used, source digests.

    own_code: whether forgather's own modules that the target calls count. They do where they
    generate an artifact; they do not for trainings, which name the package's version instead.
    """
    graphs: dict[str, str] = {}
    artifacts: dict[str, str] = {}
    sources: dict[str, str] = {}
    for owner, name, description in build.planner.uses(compiled, target):
        graphs[name if owner is compiled else f"{owner.id}:{name}"] = description["digest"]
        for artifact in description["artifacts"]:
            task = build.planner.producer(owner, artifact)
            if task is not None:
                artifacts[f"{artifact} ({task})"] = build.output_digest(task)
        sources |= source_digests(build, owner, description, own_code=own_code)
    return {"graph": graphs, "artifacts": artifacts, "sources": sources}


def source_digests(
    build: Build, compiled: Compiled, description: dict[str, Any], *, own_code: bool
) -> dict[str, str]:
    """Digests of the source files behind the constructors of one target."""
    files = source_files(build, compiled, description, own_code=own_code)
    return {name: build.digests(path) for name, path in files.items()}


def source_files(
    build: Build, compiled: Compiled, description: dict[str, Any], *, own_code: bool
) -> dict[str, Path]:
    """The source files behind the constructors of one target, by the names they have in keys."""
    relative: list[tuple[str, tuple[str, ...]]] = []
    absolute: list[str] = []
    for spec, search in expand(description["calls"], compiled.roots):
        if spec.startswith("."):
            relative.append((spec, tuple(search)))
        else:
            absolute.append(spec)
    local = [Path(compiled.roots["project"]), Path(compiled.roots["workspace"])]
    if compiled.system_path:
        local.insert(0, Path(compiled.system_path))
    code = code_files(absolute, build.digests, local, own=own_code)
    found = {contract(name, compiled.roots): path for name, path in code.items()}
    return found | {f"part {path.name}": path for path in part_files(relative)}


def part_files(relative: list[tuple[str, tuple[str, ...]]]) -> list[Path]:
    """Source files of the model parts that relative specs reach."""
    if not relative:
        return []
    from forgather.codegen.closure import closure_files

    by_search: dict[tuple[str, ...], list[str]] = {}
    for spec, search in relative:
        by_search.setdefault(search, []).append(spec)
    files: dict[str, Path] = {}
    for search, specs in by_search.items():
        for folder in search:
            note_listing(folder)
        for path in closure_files(specs, search):
            files[os.path.realpath(path)] = Path(path)
    return sorted(files.values())


def runtime_config(build: Build, compiled: Compiled, ready: set[str]) -> dict[str, Any]:
    """How a worker finds a compiled config, and the artifacts that stand in for its targets.

    ready: tasks that are done and may be used.
    """
    overrides: dict[str, str] = {}
    for artifact in artifact_names(compiled.config_class):
        bound = build.planner.binding(compiled, artifact)
        task = build.planner.producer(compiled, artifact)
        if bound is not None and task in ready:
            path = build.output_path(task)
            if bound[1] in ("train_dataset", "eval_dataset"):
                path = path / bound[1]
            overrides[artifact] = str(path)
    return {
        "id": compiled.id,
        "graph": str(compiled.files["graph"]),
        "spans": str(compiled.files["spans"]),
        "text": str(compiled.files["text"]),
        "roots": compiled.roots,
        "system_path": compiled.system_path,
        "overrides": overrides,
    }


def runtime_edges(build: Build, compiled: Compiled, ready: set[str]) -> dict[str, Any]:
    """Every config that ``compiled`` refers to, by the key the worker computes at the call."""
    found: dict[str, Any] = {}
    waiting = [compiled]
    while waiting:
        owner = waiting.pop()
        for label, raw in owner.data["edges"].items():
            edge = expand(raw, owner.roots)
            key = edge_key(edge["project_dir"], edge["config"], edge["variables"])
            if key not in found:
                other = build.planner.edge(owner, label)
                found[key] = runtime_config(build, other, ready)
                waiting.append(other)
    return found
