"""Publishing a checkpoint so that a crash at any moment leaves the old state or the new one.

The order, and why:

1. Everything is written into ``.tmp-checkpoint-<step>-<pid>`` beside its final place. No reader
   looks at that name.
2. Every file is flushed to the disk (fsync), then the manifest, which holds their hashes, and then
   the directory, which holds their names.
3. COMMIT POINT: the directory is renamed to ``checkpoint-<step>``. A rename is atomic: a reader
   sees no checkpoint, or all of it.
4. The parent directory is flushed, so that the rename itself survives a power cut.

Only after that may older checkpoints go (retention.py), each renamed to a ``.trash-`` name first:
half a deletion must not look like a checkpoint with deleted parts. What a killed process left
under these two names is swept by the next save or resume.
"""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forgather.durable import fsync_path
from forgather.errors import CheckpointError
from forgather.ml.checkpoint.manifest import MANIFEST_FILE, verify_checkpoint, write_manifest
from forgather.runs.layout import list_checkpoints

logger = logging.getLogger(__name__)

_TEMPORARY = ".tmp-"
_TRASH = ".trash-"


def publish(final_path: Path, write: Callable[[Path], dict[str, Any]]) -> None:
    """Run ``write(temporary directory) -> manifest``, then make the result appear at ``final_path``.

    On any failure the temporary directory is removed, and nothing else was touched.
    """
    parent = final_path.parent
    aside = parent / f"{_TEMPORARY}{final_path.name}-{os.getpid()}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        remove_tree(aside)
        aside.mkdir()
        manifest = write(aside)
        # safetensors makes files that only their owner can read; use the mode that mkdir got.
        mode = aside.stat().st_mode & 0o666
        for path in sorted(aside.iterdir()):
            path.chmod(mode)
            fsync_path(path)
        write_manifest(aside / MANIFEST_FILE, manifest)
        fsync_path(aside / MANIFEST_FILE)
        fsync_path(aside)
        _rename_into_place(aside, final_path)
        fsync_path(parent)
    except CheckpointError:
        remove_tree(aside)
        raise
    except BaseException as error:
        reason = _explain(error, aside)
        remove_tree(aside)
        if not isinstance(error, Exception):
            raise
        raise CheckpointError(
            f"could not write {final_path}: {reason}",
            hint="the checkpoints written before are untouched; resume_from_checkpoint: True goes "
            "on from the latest",
        ) from error


def _rename_into_place(aside: Path, final_path: Path) -> None:
    if final_path.exists():
        # Same step again (a resumed training that saves at its end): swap, then drop the old one.
        old = final_path.parent / f"{_TRASH}{final_path.name}-{os.getpid()}"
        remove_tree(old)
        os.rename(final_path, old)
        os.rename(aside, final_path)
        remove_tree(old)
    else:
        os.rename(aside, final_path)


def _explain(error: BaseException, aside: Path) -> str:
    """A full disk in plain words; torch and safetensors hide it in texts of their own."""
    number = getattr(error, "errno", None)
    text = str(error)
    full = number in (errno.ENOSPC, errno.EDQUOT) or "os error 28" in text or "No space" in text
    try:
        free = shutil.disk_usage(aside.parent).free
        written = sum(path.stat().st_size for path in aside.iterdir())
    except OSError:
        return text
    if full or free < 1 << 20:
        return (
            f"no space left on the disk ({written / 1e6:.1f} MB were written, "
            f"{free / 1e6:.1f} MB are free): {text}"
        )
    return text or type(error).__name__


def remove_tree(path: Path) -> None:
    if path.exists():
        shutil.rmtree(path)


def delete_checkpoint(path: Path) -> None:
    """Remove a checkpoint in one step, as far as any reader can tell."""
    trash = path.parent / f"{_TRASH}{path.name}-{os.getpid()}"
    remove_tree(trash)
    os.rename(path, trash)
    remove_tree(trash)


def sweep(output_dir: Path) -> None:
    """Remove what killed processes left behind; names of living processes are kept."""
    for entry in output_dir.glob(".t*-checkpoint-*"):
        if not entry.name.startswith((_TEMPORARY, _TRASH)):
            continue
        process = entry.name.rpartition("-")[2]
        if process.isdigit() and _is_alive(int(process)) and int(process) != os.getpid():
            continue
        _restore_or_remove(entry)


def _restore_or_remove(entry: Path) -> None:
    """A kill between the two renames of a swap leaves the old checkpoint only in the trash."""
    name = entry.name.removeprefix(_TRASH).rpartition("-")[0]
    original = entry.parent / name
    if entry.name.startswith(_TRASH) and not original.exists() and _is_whole(entry):
        os.rename(entry, original)
        logger.warning("%s was being replaced when the process died; it is back", original)
    else:
        remove_tree(entry)


def _is_whole(path: Path) -> bool:
    try:
        verdict = verify_checkpoint(path)
    except CheckpointError:
        return False
    return not verdict.damage and not verdict.missing


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def find_latest_checkpoint(output_dir: str | Path) -> Path | None:
    """The checkpoint of the highest step that is whole; None where there is none.

    Damaged ones are named in a warning and skipped; nothing is deleted.
    """
    for _, path in reversed(list_checkpoints(output_dir)):
        try:
            verdict = verify_checkpoint(path)
        except CheckpointError as error:
            logger.warning("skipping %s: %s", path, error)
            continue
        if verdict.damage:
            logger.warning("skipping damaged %s: %s", path, "; ".join(verdict.damage))
            continue
        return path
    return None
