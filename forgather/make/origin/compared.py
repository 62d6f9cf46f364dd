"""What came of making something again, as text for a reader and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.make.build import Build
from forgather.make.origin.reproduce import Comparison
from forgather.make.reasons.facts import edit_text
from forgather.make.reasons.reason import as_json as reason_as_json
from forgather.make.reasons.reason import lines
from forgather.make.storage.sources import LARGEST, edits
from forgather.words import counted

SHORT = 12  # digits of a digest that are shown


def as_data(found: Comparison, root: Path) -> dict[str, Any]:
    return {
        "task": found.task,
        "equal": found.is_equal,
        "files": {name: {"then": then, "now": now} for name, (then, now) in found.files.items()},
        "skipped": list(found.skipped),
        "from_store": list(found.restored),
        "made_again": list(found.remade),
        "reason": None if found.is_equal else reason_as_json(found.reason, root),
        "circumstances": {name: list(pair) for name, pair in found.circumstances.items()},
        "forgather": list(found.other),
    }


def as_lines(found: Comparison, build: Build) -> Iterator[str]:
    differing = found.differing
    files = counted(len(found.files), "file")
    if found.is_equal:
        yield f"{found.task} came out the same, to the bit: {files}"
    else:
        yield f"{found.task} came out different: {len(differing)} of {files}"
    for name, (then, now) in found.files.items():
        told = "" if then == now else f"  {_difference(found, build, name, then, now)}"
        yield f"  {then[:SHORT] if then else ''}  {name}{told}"
    if found.skipped:
        yield f"not compared, because times are in them: {', '.join(found.skipped)}"
    if found.restored:
        yield f"from the store: {', '.join(found.restored)}"
    if found.remade:
        yield f"made again, too: {', '.join(found.remade)}"
    if not found.is_equal:
        yield "why:"
        yield from (f"  {line}" for line in _causes(found, build.root))


def _difference(
    found: Comparison, build: Build, name: str, then: str | None, now: str | None
) -> str:
    if now is None:
        return "did not come out"
    line = _first_line(build, found.place / name, then)
    return f"is {now[:SHORT]} now{line}"


def _first_line(build: Build, path: Path, then: str | None) -> str:
    """Where a text differs, if the store still has what it was."""
    try:
        old = build.store.blob(then) if then else None
        if old is None or max(old.stat().st_size, path.stat().st_size) > LARGEST:
            return ""
        found = edits(old.read_text(), path.read_text())
    except (BuildError, OSError, UnicodeDecodeError):  # not there any more, or no text
        return ""
    return f", from line {found[0].line}: {edit_text(found[0])}" if found else ""


def _causes(found: Comparison, root: Path) -> Iterator[str]:
    """What is known to be another than it was; all of it, as any of it may be the cause."""
    heading, *chain = lines(found.reason, root)
    assert heading.startswith(found.task)
    yield from (line.removeprefix("  ") for line in chain)
    told = {fact.subject for fact in found.reason.facts}
    for name, (then, now) in found.circumstances.items():
        if name not in told:
            yield f"{name} {then} -> {now}"
    yield from (f"Forgather's own {name} is not what it was" for name in found.other)
