"""The provenance of something, as text for a reader and as plain data."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from forgather.make.digest import FileDigests, digest_manifest
from forgather.make.origin.find import Origin
from forgather.make.origin.provenance import TEXT_ONLY
from forgather.make.reasons.lineage import Lineage
from forgather.make.roots import expand

SHORT = 12  # digits of a digest that are shown
SHOWN = 20  # data files of one artifact that are shown; the rest is counted
PACKAGE = str(Path(__file__).parents[2]) + os.sep


def upstream(lineage: Lineage, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What it was made from, and what that was made from, with the provenance of each.

    Without one where the store has lost it.
    """
    found: dict[str, dict[str, Any]] = {}
    waiting = [dict(document)]
    while waiting:
        for task, need in (waiting.pop().get("needs") or {}).items():
            if task in found or task.partition(":")[0] in TEXT_ONLY:
                continue
            origin = dict(lineage.origin(need["entry"]))
            found[task] = {**need, "provenance": origin}
            waiting.append(origin)
    return found


def as_data(origin: Origin, lineage: Lineage, digests: FileDigests) -> dict[str, Any]:
    now = origin.now(digests)
    files = {
        name: {"digest": origin.files.get(name), "now": now.get(name)}
        for name in (*origin.chosen, *origin.unrecorded)
    }
    return {
        "task": origin.task,
        "place": str(origin.place) if origin.place is not None else None,
        "files": files,
        "altered": origin.altered(digests),
        "also": list(origin.also),
        "provenance": dict(origin.document),
        "upstream": upstream(lineage, origin.document),
    }


def as_lines(origin: Origin, lineage: Lineage, digests: FileDigests) -> Iterator[str]:
    """All of it; a source that several were made of is named with the first."""
    said: set[tuple[str, str]] = set()
    yield f"made by {origin.task}"
    yield from _files(origin, digests)
    if origin.also:
        yield f"the same bytes were left by {', '.join(origin.also)}"
    yield from _config(origin.document)
    yield from _circumstances(origin.document)
    yield from _sources(origin.document, lineage, said)
    for task, need in upstream(lineage, origin.document).items():
        own = need["provenance"]
        time = f" ({own['time']})" if own else " (the store has lost where it comes from)"
        yield f"from {task} {need['digest'][:SHORT]}{time}"
        yield from (f"  {line}" for line in (*_config(own), *_sources(own, lineage, said)))


def _files(origin: Origin, digests: FileDigests) -> Iterator[str]:
    now, altered = origin.now(digests), set(origin.altered(digests))
    for name in (*origin.chosen, *origin.unrecorded):
        place = os.path.relpath(origin.place / name) if origin.place is not None else name
        told = ""
        if name in altered:
            seen = "gone" if now[name] is None else f"{str(now[name])[:SHORT]} now"
            told = f"  altered since it was made: it is {seen}"
        elif name in origin.unrecorded:
            told = "  as its checkpoint's manifest says" if name in origin.by_manifest else ""
            told = told or "  not recorded"
        sha = origin.files.get(name) or now.get(name) or ""
        yield f"  {sha[:SHORT]}  {place}{told}"


def _config(document: Mapping[str, Any]) -> Iterator[str]:
    config = document.get("config") or {}
    if not config:
        return
    yield f"config: {config['name']} of {config['project']} ({config['id']})"
    for name, value in config["variables"].items():
        yield f"  {name} = {value!r}"


def _circumstances(document: Mapping[str, Any]) -> Iterator[str]:
    git = document.get("git") or {}
    if git:
        dirty = {True: ", with changes that are not committed", False: "", None: ""}
        yield f"git: {git['revision'][:SHORT]}{dirty[git.get('dirty')]}"
    if document.get("command"):
        yield f"command: {shlex.join(document['command'])}"
    if document.get("time"):
        yield f"made: {document['time']} on {document.get('host') or 'an unknown host'}"
    if machine := document.get("machine"):
        parts = [machine["processor"], f"{machine['cores']} cores", *machine["gpus"]]
        parts += [f"{name}={value}" for name, value in machine["environment"].items()]
        yield f"machine: {', '.join(parts)}"
    if document.get("versions"):
        yield "versions: " + ", ".join(f"{n} {v}" for n, v in document["versions"].items())


def _sources(
    document: Mapping[str, Any], lineage: Lineage, said: set[tuple[str, str]]
) -> Iterator[str]:
    """Templates, environment, code and data, each with its digest, but for what was ``said``."""
    roots = lineage.roots(document)
    templates = _expanded(document.get("templates") or {}, roots)
    for other in (document.get("uses") or {}).values():
        templates |= _expanded(other["templates"], lineage.roots(other))
    code = _expanded(document.get("code") or {}, roots)
    own = {path: sha for path, sha in code.items() if path.startswith(PACKAGE)}
    code = {path: sha for path, sha in code.items() if path not in own}
    if own:
        code[f"{PACKAGE} ({len(own)} modules of Forgather)"] = digest_manifest(own)
    files = {read[1]: read[2] for read in document.get("data") or () if read[0] == "file"}
    variables = document.get("environment") or {}
    parts = {"templates": templates, "environment": variables, "code": code}
    parts["data"] = dict(sorted(_expanded(files, roots).items())[:SHOWN])
    for title, digests in parts.items():
        yield from _block(title, digests, lineage.root, said)
    if len(files) > SHOWN:
        yield f"  and {len(files) - SHOWN} more files"


def _expanded(places: Mapping[str, str], roots: Mapping[str, str]) -> dict[str, str]:
    return {expand(place, roots): sha for place, sha in places.items()}


def _block(
    title: str, digests: Mapping[str, str], root: Path, said: set[tuple[str, str]]
) -> Iterator[str]:
    new = [pair for pair in sorted(digests.items()) if pair not in said]
    said.update(new)
    if new:
        yield f"{title}:"
    for name, sha in new:
        inside = name.startswith(f"{root}{os.sep}")
        shown = os.path.relpath(name, root) if inside else name
        yield f"  {sha[:SHORT] or '(not set)':<{SHORT}}  {shown}"
