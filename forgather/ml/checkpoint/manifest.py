"""The manifest: what a checkpoint consists of, with the size and hash of every file.

A checkpoint exists if and only if its manifest verifies. Sizes and xxh3-128 hashes find a
truncated file and a flipped bit; the manifest's own hash is in it too. A file that was *removed*
is another matter: mission and user guide allow to delete a component's file by hand so that this
part starts afresh, so an absent file of a component that is not required is reported, not refused.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import xxhash

from forgather.errors import CheckpointError
from forgather.runs.layout import MANIFEST_FILE, checkpoint_step

SCHEMA = 1
_CHUNK = 1 << 22


@dataclass
class Verdict:
    """What a look at a checkpoint found.

    damage: reasons why it must not be used (empty: it is whole).
    missing: files of components that somebody deleted.
    verified: False for a checkpoint of another tool, whose files have no hashes to check.
    """

    manifest: dict[str, Any]
    damage: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    verified: bool = True


def file_hash(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with open(path, "rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def build_manifest(
    directory: Path,
    final_path: Path,
    components: Mapping[str, Mapping[str, Any]],
    *,
    world_size: int = 1,
    training_args_hash: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe the files in ``directory``, which will be known as ``final_path``.

    ``components``: key -> {sharing_pattern, ranks, files, required, ...}.
    """
    files: dict[str, dict[str, Any]] = {}
    described: dict[str, dict[str, Any]] = {}
    for key, component in components.items():
        for name in component["files"]:
            path = directory / name
            files[name] = {"size_bytes": path.stat().st_size, "xxh3_128": file_hash(path)}
        names = component["files"]
        described[key] = {
            "key": key,
            **component,
            "size_bytes": sum(files[name]["size_bytes"] for name in names),
            "checksum": files[names[0]]["xxh3_128"] if len(names) == 1 else None,
        }
    manifest = {
        "schema": SCHEMA,
        "checkpoint_path": str(final_path),
        "step": checkpoint_step(final_path),
        "world_size": world_size,
        "timestamp": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "forgather_version": _package_version(),
        "pytorch_version": str(torch.__version__),
        "training_args_hash": training_args_hash,
        "components": described,
        "files": files,
        "metadata": dict(metadata or {}),
    }
    manifest["manifest_xxh3_128"] = _own_hash(manifest)
    return manifest


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read_manifest(directory: str | Path) -> dict[str, Any] | None:
    """The manifest of a checkpoint, or None where it has none (another tool wrote it)."""
    path = Path(directory) / MANIFEST_FILE
    if not path.is_file():
        return None
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("components"), dict):
        raise CheckpointError(f"{path} is no checkpoint manifest")
    return manifest


def verify_checkpoint(directory: str | Path) -> Verdict:
    """Check every file against the manifest. Raises where there is no readable manifest."""
    directory = Path(directory)
    manifest = read_manifest(directory)
    if manifest is None:
        raise CheckpointError(f"{directory} has no {MANIFEST_FILE}")
    if "schema" not in manifest:
        return Verdict(manifest, verified=False)
    if manifest["schema"] != SCHEMA:
        raise CheckpointError(
            f"{directory / MANIFEST_FILE} has schema {manifest['schema']!r}; this version reads "
            f"{SCHEMA}",
            hint="it was written by a newer version",
        )
    verdict = Verdict(manifest)
    if manifest.get("manifest_xxh3_128") != _own_hash(manifest):
        verdict.damage.append(f"{directory / MANIFEST_FILE}: its content was altered")
        return verdict
    for component in manifest["components"].values():
        for name in component["files"]:
            _check_file(directory / name, manifest["files"][name], component, verdict)
    return verdict


def _check_file(
    path: Path, expected: Mapping[str, Any], component: Mapping[str, Any], verdict: Verdict
) -> None:
    if not path.is_file():
        if component.get("required"):
            verdict.damage.append(f"{path}: missing, and required")
        else:
            verdict.missing.append(path.name)
        return
    size = path.stat().st_size
    if size != expected["size_bytes"]:
        verdict.damage.append(f"{path}: {size} bytes, not {expected['size_bytes']}")
    elif file_hash(path) != expected["xxh3_128"]:
        verdict.damage.append(f"{path}: its content does not match the manifest's hash")


def _package_version() -> str | None:
    try:
        return importlib.metadata.version("forgather")
    except importlib.metadata.PackageNotFoundError:
        return None  # run from a checkout that is not installed


def _own_hash(manifest: Mapping[str, Any]) -> str:
    content = {key: value for key, value in manifest.items() if key != "manifest_xxh3_128"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_128(text.encode()).hexdigest()
