"""One build root: asks rules for keys, compares with what is recorded, and makes what is missing.

The order of every build step: take the lease, compute the key, look again whether somebody else
has finished, look into the store, make aside, check that no input moved meanwhile, store, publish,
and write the record last. Whatever is interrupted leaves the old artifact or the new one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.make.compile import Compiled, Compiler
from forgather.make.digest import FileDigests, digest_json, installed_versions
from forgather.make.lock import lease
from forgather.make.plan import KINDS, Planner
from forgather.make.reads import moved_read
from forgather.make.state import Record, State, damaged_output
from forgather.make.store import Entry, Store, replace_tree, scan
from forgather.make.target import Made, Rule, Target

RESERVED = frozenset(KINDS)
TRIES = 3  # how often a step is made anew when its inputs move under it


@dataclass(frozen=True)
class Verdict:
    """Whether a target must be made, and why, as data."""

    is_current: bool
    reasons: tuple[str, ...] = ()


@dataclass
class Options:
    """How steps run; nothing here may influence what they produce."""

    devices: str | None = None
    log_to_files: bool = False
    command: str = "doit"
    launcher_args: list[str] = field(default_factory=list)


class Build:
    """The state of one build root (the folder that holds ``build/``)."""

    def __init__(
        self,
        root: Path,
        rules: Mapping[str, Rule],
        identify: Callable[[Path, str], str],
        options: Options | None = None,
    ) -> None:
        self.root = root
        self.directory = root / "build"
        self.rules = rules
        self.options = options or Options()
        self.digests = FileDigests(self.directory / "store" / "files.sqlite")
        self.store = Store(self.directory / "store", self.digests)
        self.state = State(self.directory)
        self.compiler = Compiler(self.directory, self.digests)
        self.planner = Planner(self.compiler, identify)

    # places

    def config_folder(self, compiled: Compiled) -> Path:
        """``build/<ID>``; a config named like an artifact gets a suffix."""
        project, _, config = compiled.id.rpartition("/")
        if project and config in RESERVED:
            return self.directory / project / f"{config}-config"
        return self.directory / compiled.id

    def place(self, target: Target) -> Path:
        return self.config_folder(target.compiled) / self.rules[target.kind].folder

    # what is known

    def record(self, task: str) -> Record:
        """The record of a task that must be done by now."""
        record = self.state.get(task)
        if record is None:
            raise BuildError(f"{task} has not been built", hint=f"run: doit {task}", code="FG603")
        return record

    def output_digest(self, task: str) -> str:
        return self.record(task).digest

    def output_path(self, task: str) -> Path:
        return self.root / self.record(task).place

    def toolchain(self, *packages: str) -> dict[str, str]:
        """Versions that count for a key: Python x.y and the named packages."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return {"python": python, **installed_versions(packages, sys.path)}

    def key(self, target: Target) -> tuple[str, dict[str, Any]]:
        inputs = self.rules[target.kind].inputs(self, target)
        return digest_json(f"action/{target.kind}", inputs), inputs

    def verdict(self, target: Target) -> Verdict:
        """Is ``target`` up to date? Its dependencies must be."""
        record = self.state.get(target.name)
        if record is None:
            forgotten = self.state.is_forgotten(target.name)
            return Verdict(False, ("it was forgotten" if forgotten else "never built here",))
        key, inputs = self.key(target)
        if key != record.key:
            return Verdict(False, tuple(differences(record.inputs, inputs)))
        if (damage := damaged_output(record, self.root, self.digests)) is not None:
            return Verdict(False, (damage,))
        if (moved := moved_read(record.reads, self.digests)) is not None:
            return Verdict(False, (moved,))
        return Verdict(True)

    # making

    def make(self, target: Target) -> str:
        """Bring ``target`` up to date; says how: "built", "restored" or "current"."""
        rule = self.rules[target.kind]
        lock = self.directory / "locks" / digest_json("task", target.name)[:24]
        with lease(lock):
            forgotten = self.state.is_forgotten(target.name)
            if not forgotten and self.verdict(target).is_current:
                return "current"
            if not rule.stored:
                return self._make_in_place(rule, target)
            for _attempt in range(TRIES):
                key, inputs = self.key(target)
                entry = None if forgotten else self.store.get(key)
                if entry is not None and moved_read(entry.reads, self.digests) is None:
                    self._publish(rule, target, entry, inputs)
                    return "restored"
                entry = self._make_stored(rule, target, key, inputs)
                if entry is not None:
                    self._publish(rule, target, entry, inputs)
                    return "built"
        raise BuildError(
            f"the inputs of {target.name} kept changing while it was built",
            hint="finish editing and run the same command again",
            code="FG604",
        )

    def _make_stored(
        self, rule: Rule, target: Target, key: str, inputs: dict[str, Any]
    ) -> Entry | None:
        with self.store.staging(target.kind) as folder:
            out = folder / "out"
            out.mkdir()
            made = rule.make(self, target, out)
            if self.key(target)[0] != key or moved_read(made.reads, self.digests) is not None:
                return None
            files = scan(out, self.digests)
            if not files:
                raise BuildError(f"{target.name} produced nothing", code="FG605")
            entry = Entry(key, files, made.reads, made.values, {"inputs": inputs})
            return self.store.put(entry, out)

    def _make_in_place(self, rule: Rule, target: Target) -> str:
        key, inputs = self.key(target)
        with self.store.staging(target.kind) as folder:
            made: Made = rule.make(self, target, folder)
        assert made.place is not None and made.files is not None
        place = os.path.relpath(made.place, self.root)
        kept = self._keep_config(target.compiled)
        record = Record(key, place, made.files, inputs, made.reads, made.values, kept)
        self.state.put(target.name, record)
        return "built"

    def _publish(self, rule: Rule, target: Target, entry: Entry, inputs: dict[str, Any]) -> None:
        place = self.place(target)
        if rule.whole_folder:
            self.store.checkout(entry.files, place)
        else:
            with self.store.staging("files") as folder:
                self.store.checkout(entry.files, folder / "files")
                for name in entry.files:
                    replace_tree(folder / "files" / name, place / name, folder)
        relative = os.path.relpath(place, self.root)
        kept = self._keep_config(target.compiled)
        record = Record(entry.key, relative, entry.files, inputs, entry.reads, entry.values, kept)
        self.state.put(target.name, record)

    def _keep_config(self, compiled: Compiled) -> dict[str, str]:
        """Keep graph and spans of the config that was built, so that a later one can be compared."""
        kept = {}
        for name in ("graph", "spans"):
            kept[name] = self.digests(compiled.files[name])
            self.store.add_blob(compiled.files[name], kept[name])
        return kept

    def close(self) -> None:
        self.digests.close()


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two key inputs differ, as readable lines."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[str] = []
        for name in sorted(old.keys() | new.keys()):
            here = f"{path}.{name}" if path else str(name)
            if name not in old:
                found.append(f"{here} is new")
            elif name not in new:
                found.append(f"{here} is gone")
            else:
                found += differences(old[name], new[name], here)
        return found
    return [] if old == new else [f"{path} changed"]
