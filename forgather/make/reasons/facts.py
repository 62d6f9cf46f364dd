"""What differs between the inputs of two action keys, as facts with a name, a place and a text.

Inputs are nested dictionaries whose leaves are digests, versions and values. Which rule wrote them
does not matter here: what a path means is told by its components, and a path that nobody foresaw is
still a fact. So a key never changes without one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forgather.make.roots import expand
from forgather.make.storage.sources import Edit, Sources, edits
from forgather.words import counted

SHOWN_EDITS = 6  # changed lines of one file that are shown; the rest is counted
WIDTH = 60
ABSENT = "absent"  # what stands in the inputs for a place that was looked at in vain
UNMADE = "not made yet"  # what stands for the digest of a result that there never was
GONE = object()  # stands for a leaf that one side does not have

ENVIRONMENT = "environment variable "
_OF_TASK = re.compile(r"\(([\w-]+:.+)\)$")  # "tokenizer (tokenizer:mini)"
_ASSIGNMENT = re.compile(r"\s*(?:--\s*set\s+|-\s+)?([\w.\[\]\"' -]*[\w\]])\s*[:=]\s*(.*?)\s*$")


@dataclass(frozen=True)
class Fact:
    """One difference.

    kind: edit, template, shadow, variable, environment, graph, source, dependency, version,
    forgather, value; data (:mod:`forgather.make.reasons.data_facts`); state (:mod:`forgather.make.reasons.explain`).
    subject: what it is about: a file, a task, a variable. task: the task to look at further.
    """

    kind: str
    subject: str
    text: str
    line: int | None = None
    old: str | None = None
    new: str | None = None
    task: str | None = None


def leaves(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple, Any, Any]]:
    """Path, old and new value of every leaf that differs."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys(), key=str):
            yield from leaves(old.get(name, GONE), new.get(name, GONE), (*path, str(name)))
    elif isinstance(old, Mapping) and old and new is GONE:
        for name in sorted(old, key=str):
            yield from leaves(old[name], GONE, (*path, str(name)))
    elif isinstance(new, Mapping) and new and old is GONE:
        for name in sorted(new, key=str):
            yield from leaves(GONE, new[name], (*path, str(name)))
    elif old is GONE or new is GONE or type(old) is not type(new) or old != new:
        yield path, old, new


class Facts:
    """Facts about one task.

    roots: what ``${name}`` in the inputs stands for. find: the file behind the name of a source.
    made_by: tasks whose results stand in the inputs under a name of their own ("log", "weights").
    """

    def __init__(
        self,
        root: Path,
        roots: Mapping[str, str],
        sources: Sources,
        find: Callable[[str], Path | None],
        made_by: Mapping[str, str],
    ) -> None:
        self.root = root
        self.roots = roots
        self.sources = sources
        self.find = find
        self.made_by = made_by

    def of(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Fact]:
        """Every difference between two inputs; empty only where there is none."""
        found = list(self.reads(old.get("reads") or {}, new.get("reads") or {}))
        for path, before, after in leaves(dict(old), dict(new)):
            if path[0] == "reads":
                continue
            found.append(self._fact(path, before, after))
        found = list(dict.fromkeys(found))
        return found or list(self._looked_at(old, new))

    def _fact(self, path: tuple[str, ...], old: Any, new: Any) -> Fact:
        above, name = set(path[:-1]), path[-1]
        label = ".".join(path)
        if path[0] in self.made_by:
            task_name = self.made_by[path[0]]
            return _dependency(task_name, old, new)
        if above & {"sources", "shell", "code"} or name.endswith(".py"):
            return self._source(name, old, new)
        if "graph" in path:
            return Fact("graph", name, f"the graph of {_target_name(name)} {_verb(old, new)}")
        if (task := _OF_TASK.search(name)) or "artifacts" in above or path[0] == "inputs":
            task_name = task.group(1) if task else name
            return _dependency(task_name, old, new)
        if "toolchain" in above or name in ("forgather", "python"):
            return Fact("version", name, f"{name} {_change(old, new)}", None, *_both(old, new))
        if name in ("language", "code"):
            return Fact("forgather", name, f"code of forgather itself changed{_short(old, new)}")
        if "variables" in above:
            return variable_fact(name, old, new)
        return Fact("value", label, f"{label} {_change(old, new)}", None, *_both(old, new))

    # templates

    def reads(self, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Fact]:
        """What happened to the templates and environment variables that a config read."""
        for place in [place for place in (*old, *new) if place.startswith(ENVIRONMENT)]:
            if old.get(place) != new.get(place):
                yield _environment(place, old.get(place), new.get(place))
        old = {place: sha for place, sha in old.items() if not place.startswith(ENVIRONMENT)}
        new = {place: sha for place, sha in new.items() if not place.startswith(ENVIRONMENT)}
        replaced = {place for place in old if old[place] != ABSENT and _is_file(new, place) is None}
        arrived = {place for place in new if new[place] != ABSENT and _is_file(old, place) is None}
        for place in new:
            if _is_file(old, place) and _is_file(new, place) and old[place] != new[place]:
                yield from self.changed_file(place, old[place], new[place])
        for place in [place for place in new if place in arrived and old.get(place) == ABSENT]:
            hidden = _namesake(place, replaced)
            replaced.discard(hidden or "")
            arrived.discard(place)
            yield self._appeared(place, hidden)
        for place in [place for place in old if place in replaced and new.get(place) == ABSENT]:
            instead = _namesake(place, arrived)
            arrived.discard(instead or "")
            replaced.discard(place)
            yield self._gone(place, instead)
        for place in sorted(replaced):
            name = self.show(place)
            missing = not os.path.exists(expand(place, self.roots))
            yield Fact("template", name, f"{name} {'is gone' if missing else 'is not read now'}")
        for place in sorted(arrived):
            yield Fact("template", self.show(place), f"{self.show(place)} is read now")

    def changed_file(self, place: str, old: str, new: str) -> Iterator[Fact]:
        """The changed lines of a file; where a text is not at hand, its digests."""
        path, name = expand(place, self.roots), self.show(place)
        before, after = self.sources.read(old, path), self.sources.read(new, path)
        try:
            lines = edits(before.decode(), after.decode()) if before and after else []
        except UnicodeDecodeError:
            lines = []
        for edit in lines[:SHOWN_EDITS]:
            text = f"{name}:{edit.line} {edit_text(edit)}"
            yield Fact("edit", name, text, edit.line, edit.old, edit.new)
        if len(lines) > SHOWN_EDITS:
            more = len(lines) - SHOWN_EDITS
            yield Fact("edit", name, f"{name}: {counted(more, 'more line')}")
        if not lines:
            yield Fact("template", name, f"{name} changed{_short(old, new)}", None, old, new)

    def _appeared(self, place: str, hidden: str | None) -> Fact:
        name = self.show(place)
        if hidden is None:
            return Fact("shadow", name, f"{name} appeared; it had been looked for in vain")
        return Fact("shadow", name, f"{name} now shadows {self.show(hidden)}")

    def _gone(self, place: str, instead: str | None) -> Fact:
        name = self.show(place)
        if instead is None:
            return Fact("template", name, f"{name} is gone")
        return Fact("shadow", name, f"{name} is gone: {self.show(instead)} is read in its place")

    def _looked_at(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Fact]:
        """Nothing came, went or changed, but templates were looked for in other places."""
        for path, before, after in leaves(dict(old), dict(new)):
            place = self.show(path[-1])
            verb = "was looked for" if before is GONE else "is not looked for now"
            assert ABSENT in (before, after)
            yield Fact("template", place, f"{place} {verb} in vain")

    # sources

    def _source(self, name: str, old: Any, new: Any) -> Fact:
        path = self.find(name)
        shown = self.show(name if path is None else str(path)).removeprefix("part ")
        if old is GONE:
            return Fact("source", shown, f"{shown} is used now", None, None, str(new))
        if new is GONE:
            return Fact("source", shown, f"{shown} is not used now", None, str(old), None)
        before, after = self.sources.read(old, path), self.sources.read(new, path)
        lines = edits(before.decode(), after.decode()) if before and after else []
        if not lines:
            return Fact("source", shown, f"{shown} changed{_short(old, new)}", None, old, new)
        first = lines[0]
        more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
        text = f"{shown}:{first.line} {edit_text(first)}{more}"
        return Fact("source", shown, text, first.line, first.old, first.new)

    # names

    def show(self, place: str) -> str:
        return self._relative(expand(place, self.roots))

    def _relative(self, path: str) -> str:
        """A path below the build root or the libraries is shown from there, others whole."""
        for root in (str(self.root), self.roots.get("forgather", "")):
            if root and path.startswith(root + os.sep):
                return os.path.relpath(path, root)
        return path


def variable_fact(name: str, old: Any, new: Any) -> Fact:
    text = f"= {_value(new)}" if old is GONE else _change(old, new)
    return Fact("variable", name, f"variable {name} {text}", None, *_both(old, new))


def edit_text(edit: Edit) -> str:
    """``lr 1e-3 -> 3e-4`` where both lines set the same name, else the lines themselves."""
    if edit.old is not None and edit.new is not None:
        before, after = _ASSIGNMENT.match(edit.old), _ASSIGNMENT.match(edit.new)
        if before and after and before[1] == after[1] and before[2] != after[2]:
            return f"{before[1]} {_cut(before[2])} -> {_cut(after[2])}"
        return f"{_cut(edit.old.strip())!r} -> {_cut(edit.new.strip())!r}"
    text, verb = (edit.new, "added") if edit.old is None else (edit.old, "removed")
    assert text is not None
    return f"{_cut(text.strip())!r} {verb}" if text.strip() else f"an empty line {verb}"


def _cut(text: str) -> str:
    return (text if len(text) <= WIDTH else text[: WIDTH - 3] + "...") or "(nothing)"


def _is_file(reads: Mapping[str, str], place: str) -> str | None:
    sha = reads.get(place)
    return None if sha == ABSENT else sha


def _namesake(place: str, others: set[str]) -> str | None:
    """Of ``others``, the one that ends most like ``place``: the template of the same name."""

    def alike(other: str) -> int:
        count = 0
        for mine, theirs in zip(
            reversed(place.split("/")), reversed(other.split("/")), strict=False
        ):
            if mine != theirs:
                break
            count += 1
        return count

    best = max(sorted(others), key=alike, default=None)
    return best if best is not None and alike(best) else None


def _target_name(name: str) -> str:
    owner, _, target = name.rpartition(":")
    if target == "graph":
        return "the config"
    shown = "the training" if target == "@training" else f"target {target!r}"
    return f"{shown} of {owner}" if owner else shown


def _environment(place: str, old: str | None, new: str | None) -> Fact:
    name = place.removeprefix(ENVIRONMENT)
    if not old and new:
        verb = "is set now" if old == "" else "is read now"
    elif old and not new:
        verb = "is not set any more" if new == "" else "is not read now"
    else:
        verb = "changed"
    return Fact("environment", name, f"{place} {verb}")


def _dependency(task: str, old: Any, new: Any) -> Fact:
    if new is GONE:  # why it is what it is does not matter any more
        return Fact("dependency", task, f"{task} is not used now")
    changed = "is not there" if new == UNMADE else "came out different"
    text = f"{task} {'is used now' if old is GONE else changed}"
    return Fact("dependency", task, text, task=task)


def _verb(old: Any, new: Any) -> str:
    return "is new" if old is GONE else "is gone" if new is GONE else "changed"


def _change(old: Any, new: Any) -> str:
    if old is GONE:
        return f"{_value(new)} (was not there)"
    return f"{_value(old)} -> {'(not there)' if new is GONE else _value(new)}"


def _value(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value):
        return value[:12]
    return value if isinstance(value, str) else repr(value)


def _both(old: Any, new: Any) -> tuple[str | None, str | None]:
    return (None if old is GONE else _value(old)), (None if new is GONE else _value(new))


def _short(old: Any, new: Any) -> str:
    if old is GONE or new is GONE:
        return ""
    return f" (sha256 {str(old)[:12]} -> {str(new)[:12]})"
