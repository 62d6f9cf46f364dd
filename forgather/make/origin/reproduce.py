"""Makes something again from its provenance, aside, and compares.

The sources are laid out as they were (:mod:`forgather.make.origin.scratch`), and a process of its own makes the task
there (:mod:`forgather.make.origin.rebuild`). What it was made from is taken from the store, where that has it, or
is made again, too. What differs is explained like any other run, from then to now.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, UsageError
from forgather.make.build import Build
from forgather.make.digest import digest_bytes, hash_file
from forgather.make.origin.circumstances import NUMERIC
from forgather.make.origin.described import upstream
from forgather.make.origin.find import LOST, Origin
from forgather.make.origin.provenance import of_text
from forgather.make.origin.scratch import Scratch, wanted_of
from forgather.make.reasons.facts import GONE, leaves
from forgather.make.reasons.lineage import Lineage
from forgather.make.reasons.reason import Reason
from forgather.make.roots import expand
from forgather.make.state import Record
from forgather.runs.layout import MANIFEST_FILE, RUNS_DIRECTORY

UNOBTAINABLE = "FG663"
FAILED = "FG665"
INCOMPARABLE = "FG666"
WITH_TIMES = (MANIFEST_FILE, "trainer_state.pt")  # files of a checkpoint that hold times


@dataclass(frozen=True)
class Comparison:
    """What came of it. files: name -> digest then and now (None: it is not there).

    skipped: files that hold times and are not compared. other: modules of Forgather itself that are not
    what they were. circumstances: what was another way then, with both. restored, remade: what it was
    made from, taken from the store and made again.
    """

    task: str
    files: Mapping[str, tuple[str | None, str | None]]
    skipped: tuple[str, ...]
    reason: Reason
    other: tuple[str, ...]
    circumstances: Mapping[str, tuple[str, str]]
    restored: tuple[str, ...]
    remade: tuple[str, ...]
    place: Path

    @property
    def differing(self) -> list[str]:
        return [name for name, (then, now) in self.files.items() if then != now]

    @property
    def is_equal(self) -> bool:
        return not self.differing


def reproduce(
    build: Build, lineage: Lineage, origin: Origin, target: Path, *, from_scratch: bool
) -> Comparison:
    """Make ``origin`` again in the empty folder ``target``.

    from_scratch: make everything that it was made from again, too.
    """
    document = origin.document
    needs = upstream(lineage, document)
    lost = [task for task, need in needs.items() if not need["provenance"]]
    if from_scratch and lost:
        raise BuildError(f"where {', '.join(lost)} came from is not known any more", code=LOST)
    compared, skipped = _to_compare(build, origin)
    if not compared:
        raise BuildError(
            f"there is nothing to compare in what was asked for of {origin.task}",
            hint=f"not compared are files that hold times: {', '.join(skipped)}",
            code=INCOMPARABLE,
        )
    other = _lay_out(build, lineage, origin, needs, target, from_scratch=from_scratch)
    entries = {} if from_scratch else _entries(lineage, needs)
    result = _run(origin, entries, lineage, target)
    place = target / result["record"]["place"]
    files = {name: (sha, _digest(place / name)) for name, sha in compared.items()}
    then, now = _origins(document, result)
    beside = Lineage(build, beside=target / "build" / "store")
    return Comparison(
        origin.task,
        files,
        tuple(skipped),
        beside.between(origin.task, then, now),
        tuple(other),
        _changed_circumstances(then, now),
        tuple(entries),
        tuple(task for task in needs if task not in entries),
        place,
    )


# before


def _to_compare(build: Build, origin: Origin) -> tuple[dict[str, str], list[str]]:
    """The files to be made again, with their digests, and those that hold times."""
    found = {name: origin.files[name] for name in origin.chosen}
    now = origin.now(build.digests)
    found |= {name: sha for name in origin.unrecorded if (sha := now[name]) is not None}
    if origin.document["kind"] != "train":
        return found, []
    skipped = [name for name in found if _holds_times(name)]
    return {name: sha for name, sha in found.items() if name not in skipped}, skipped


def _holds_times(name: str) -> bool:
    return name.startswith(f"{RUNS_DIRECTORY}/") or Path(name).name in WITH_TIMES


def _lay_out(
    build: Build,
    lineage: Lineage,
    origin: Origin,
    needs: Mapping[str, Mapping[str, Any]],
    target: Path,
    *,
    from_scratch: bool,
) -> list[str]:
    """Put the sources there. What of Forgather itself is not what it was; raises for what is lost."""
    others = [need["provenance"] for need in needs.values() if need["provenance"]]
    others.sort(key=lambda one: one["time"], reverse=True)  # of two states of a file, the newer
    remade = [origin.document, *(others if from_scratch else ())]
    wanted = wanted_of(lineage, remade, others)
    lost = _lost_variables(remade)
    scratch = Scratch(lineage, target, build.digests)
    missing, other = scratch.lay_out(wanted)
    if lost or missing:
        raise BuildError(
            f"{origin.task} cannot be made again: {len(lost) + len(missing)} of its sources cannot "
            "be had any more\n  " + "\n  ".join([*missing, *lost]),
            hint="put them back, or check out the revision that has them, and run the same again",
            code=UNOBTAINABLE,
        )
    for document in remade:
        data = expand(list(document.get("data") or ()), lineage.roots(document))
        scratch.tidy_listings(data, wanted.files)
    return other


def _lost_variables(documents: list[Mapping[str, Any]]) -> list[str]:
    """Environment variables that templates used, and that have another value now."""
    return [
        f"environment variable {name} ({'it was not set' if not sha else f'sha256 {sha[:12]}...'}): only "
        "its digest is kept, and its value is another now"
        for document in documents
        for name, sha in document["environment"].items()
        if sha and _value_digest(name) != sha
    ]


def _value_digest(name: str) -> str:
    value = os.environ.get(name)
    return "" if value is None else digest_bytes(value.encode())


def _entries(lineage: Lineage, needs: Mapping[str, Any]) -> dict[str, Any]:
    """What it was made from, where the store has all of it."""
    found = {}
    for task, need in needs.items():
        entry = lineage.store.get(need["entry"])
        if entry is not None:
            found[task] = asdict(entry)
    return found


# making


def _run(origin: Origin, entries: dict[str, Any], lineage: Lineage, target: Path) -> dict[str, Any]:
    """Make the task in the scratch folder, in a process of its own; its record and provenance."""
    with tempfile.TemporaryDirectory(prefix="forgather-") as folder:
        spec, result = Path(folder) / "spec.json", Path(folder) / "result.json"
        stores = [lineage.store.local, *([lineage.store.shared] if lineage.store.shared else [])]
        data = {
            "root": str(target),
            "task": origin.task,
            "config": origin.document["config"],
            "entries": entries,
            "stores": [str(layer.root) for layer in stores],
            "result": str(result),
        }
        spec.write_text(json.dumps(data))
        command = [sys.executable, "-m", "forgather.make.origin.rebuild", str(spec)]
        environment = _environment(origin.document)
        # What it prints is no result of ours: it goes where notes go.
        done = subprocess.run(command, cwd=target, env=environment, stdout=2, check=False)
        found = json.loads(result.read_text()) if result.is_file() else {}
    if done.returncode != 0 or "record" not in found:
        raise BuildError(
            f"{origin.task} could not be made again: "
            + str(found.get("error") or f"its process ended with exit code {done.returncode}"),
            hint=found.get("hint") or "what it printed is above; --keep DIR keeps the checkout",
            code=found.get("code") if found.get("code") == "FG664" else FAILED,
        )
    return found


def _environment(document: Mapping[str, Any]) -> dict[str, str]:
    """As it was then, as far as it counts; and without a cache."""
    unset = {name for name, sha in document["environment"].items() if not sha}
    machine = document.get("machine") or {}
    numeric = machine.get("environment") or {}
    if machine:
        unset.update(set(NUMERIC) - numeric.keys())
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    off = {"FORGATHER_CACHE_DIR": "off", "FORGATHER_CACHE_URL": "off"}
    return kept | numeric | off | {"FORGATHER_EXECUTOR": "local"}


# after


def _digest(path: Path) -> str | None:
    try:
        return hash_file(path)
    except OSError:
        return None


def _origins(
    document: Mapping[str, Any], result: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    record = Record(**result["record"])
    now = result["provenance"] or of_text(document["task"], record, record.inputs.get("reads", {}))
    return document, now


def _changed_circumstances(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """Versions and machine, where they are not what they were. In no key, but they may tell."""
    found = {}
    for name in ("versions", "machine"):
        pairs = leaves(then.get(name) or {}, now.get(name) or {})
        found |= {path[-1]: (_shown(old), _shown(new)) for path, old, new in pairs}
    return found


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "not there" if value is GONE else str(value)


# where


@contextmanager
def scratch_folder(keep: Path | None) -> Iterator[Path]:
    """An empty folder for the checkout: ``keep``, which stays, or one that is removed afterwards."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="forgather-reproduce-") as folder:
            yield Path(folder).resolve()
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError(f"{keep} is there already", hint="name a new or an empty folder")
    keep.mkdir(parents=True, exist_ok=True)
    yield keep.resolve()
