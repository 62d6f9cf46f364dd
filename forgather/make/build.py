"""One build root: asks rules for keys, compares with what is recorded, and makes what is missing.

The order of every build step: take the task's lease, compute the key, look whether it is done, look
into the store, take the key's lease (other checkouts may want the same), look again, make aside, check
that no input moved meanwhile, store, publish, and write the record last. Whatever is interrupted leaves
the old artifact or the new one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Container, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from forgather.errors import BuildError
from forgather.make.cache.settings import CacheSettings
from forgather.make.compile import Compiled, Compiler
from forgather.make.digest import FileDigests, digest_json, installed_versions
from forgather.make.kinds import KINDS
from forgather.make.lock import FOLDER as LOCKS
from forgather.make.lock import lease
from forgather.make.options import Options
from forgather.make.origin.provenance import collect
from forgather.make.plan import Planner
from forgather.make.probes import SETTLED_SECONDS, collecting
from forgather.make.reads import digest_at, moved_read
from forgather.make.roots import contract, expand
from forgather.make.stamps import Stamps, open_stamps
from forgather.make.state import Record, State, damaged_output
from forgather.make.storage import traces
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.entry import Entry, Output, scan
from forgather.make.storage.shards import share_shards
from forgather.make.storage.store import LINKED_FROM, LOST, Store
from forgather.make.sweeps import variants
from forgather.make.target import Made, Rule, Target
from forgather.make.verdict import Verdict, differences

RESERVED = frozenset(KINDS)
TRIES = 3  # how often a step is made anew when its inputs move under it
PACKAGE = Path(__file__).parents[1]


class Build:
    """The state of one build root (the folder that holds ``build/``)."""

    def __init__(
        self,
        root: Path,
        rules: Mapping[str, Rule],
        identify: Callable[[Path, str], str],
        default_config: Callable[[Path], str],
        options: Options | None = None,
        stamps: Stamps | None = None,
    ) -> None:
        self.root = root
        self.directory = root / "build"
        self.rules = rules
        self.options = options or Options()
        self.stamps = stamps or open_stamps(root)
        self.digests = FileDigests(self.directory / "store" / "files.sqlite")
        self.store = open_store(root, self.digests)
        self.state = State(self.directory, self.stamps.database)
        self.compiler = Compiler(self.directory, self.store, self.digests)
        self.remembered = self.compiler.remembered
        self.planner = Planner(self.compiler, identify, default_config)
        self.deferred: set[str] = set()  # tasks that a cluster does while nobody waits
        self._made: dict[str, Target] = {}  # to be looked at once more before they get stamps

    # places

    def config_folder(self, compiled: Compiled) -> Path:
        return self.directory / config_folder(compiled.id)

    def place(self, target: Target) -> Path:
        return self.config_folder(target.compiled) / self.rules[target.kind].folder

    def relative(self, path: Path) -> str:
        return os.path.relpath(path, self.root)

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
        versions = self.remembered(
            ("@toolchain", packages), lambda: installed_versions(packages, sys.path)
        )
        return {"python": python, **versions}

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
        place = self.rules[target.kind].place
        if place is not None and self.relative(place(target)) != record.place:
            return Verdict(False, (f"it belongs into {self.relative(place(target))} now",))
        if (damage := damaged_output(record, self.root, self.digests)) is not None:
            return Verdict(False, (damage,))
        if (moved := moved_read(record.reads, self.digests)) is not None:
            return Verdict(False, (moved,))
        return Verdict(True)

    # stamps: what the next build need not look into

    def look(self, target: Target) -> Verdict:
        """The verdict; if it is "current", what it was made of will be remembered."""
        with collecting() as group:
            self.note_own_code()
            self.compiler(target.compiled.instance)
            verdict = self.verdict(target)
        if verdict.is_current:
            self.stamps.remember(target.name, None, group)
        return verdict

    def note_own_code(self) -> None:
        """The code that decides what is up to date matters to whatever is being looked at."""
        self.remembered("@own code", self._own_code)

    def _own_code(self) -> str:
        folders = ("make/**", "", "lang", "graph", "codegen", "launch")
        files = sorted(
            {path for folder in folders for path in PACKAGE.glob(f"{folder}/*.py".lstrip("/"))}
        )
        return digest_json("own code", [self.digests(path) for path in files])

    def save_stamps(self) -> int:
        """Write the stamps of what was looked at or made in this process; how many tasks were made."""
        made = len(self._made)
        if self._made:
            time.sleep(SETTLED_SECONDS)  # what was just written can still change within one tick
            for target in self._made.values():
                self.look(target)
            self._made.clear()
        self.stamps.save()
        return made

    def start_uploads(self) -> None:
        """What was made goes to the remote cache, by a process of its own."""
        if self.store.outbox is not None:
            from forgather.make.cache.pusher import start_push

            start_push(self.root, self.store.outbox)

    # making

    def make(self, target: Target) -> str:
        """Bring ``target`` up to date; says how: "built", "restored" or "current"."""
        with self._task_lease(target):
            forgotten = self.options.always or self.state.is_forgotten(target.name)
            verdict = self.verdict(target)
            if verdict.is_current:
                if not forgotten:
                    return "current"
                verdict = Verdict(False, ("it was asked for again (--always)",))
            for _attempt in range(TRIES):
                made = self._bring(target, verdict, forgotten)
                if made:
                    self._made[target.name] = target
                    return made
        raise BuildError(
            f"the inputs of {target.name} kept changing while it was built",
            hint="finish editing and run the same command again",
            code="FG604",
        )

    def _task_lease(self, target: Target) -> AbstractContextManager[object]:
        return lease(self.directory / LOCKS / digest_json("task", target.name)[:24])

    def restore(self, target: Target) -> Verdict | None:
        """Bring ``target`` up to date without making anything; what it was before, None if it cannot."""
        verdict = self.look(target)
        if verdict.is_current:
            return verdict
        if self._is_new(target) or self.state.is_forgotten(target.name):
            return None
        # What compiling left in the store is put into its place whoever else does so, too.
        is_text = self.rules[target.kind].outputs is not None
        with nullcontext() if is_text else self._task_lease(target):
            key, inputs = self.key(target)
            if self._from_store(target, key, inputs, verdict):
                self._made[target.name] = target
                return verdict
        return None

    def _is_new(self, target: Target) -> bool:
        """Whether this process made the outputs, when it compiled the config."""
        outputs = self.rules[target.kind].outputs
        return outputs is not None and not target.compiled.fresh.isdisjoint(outputs(self, target))

    def _bring(self, target: Target, verdict: Verdict, forgotten: bool) -> str | None:
        """How it was brought up to date; None where an input moved meanwhile."""
        key, inputs = self.key(target)
        if self.rules[target.kind].outputs is not None:
            self._from_store(target, key, inputs, verdict)
            return "built" if forgotten or self._is_new(target) else "restored"
        if not forgotten and self._from_store(target, key, inputs, verdict):
            return "restored"
        with self.store.key_lease(key):
            if not forgotten and self._from_store(target, key, inputs, verdict):
                return "restored"  # another checkout was making it
            return self._run(target, key, inputs, verdict)

    def _from_store(
        self, target: Target, key: str, inputs: dict[str, Any], verdict: Verdict
    ) -> bool:
        """Publish what the store has under ``key``; False where it has nothing that is whole."""
        rule = self.rules[target.kind]
        record = partial(self._record, target, inputs, verdict)
        try:
            if rule.outputs is not None:
                outputs = rule.outputs(self, target)
                files = {name: output.digest for name, output in outputs.items()}
                target.compiled.files.mended(partial(self._publish, rule, target, outputs))
                self.state.put(target.name, record(key, self.place(target), files))
                return True
            entry = self._stored(target, key)
            if entry is None:
                return False
            record = partial(record, entry=entry.key)
            if rule.restore is not None:
                made = rule.restore(self, target, entry)
                self._record_in_place(target, record, key, made)
            else:
                self._publish(rule, target, entry.outputs)
                reads = expand(entry.reads, target.compiled.roots)
                self.state.put(
                    target.name, record(key, self.place(target), entry.files, reads, entry.values)
                )
        except BuildError as error:
            if error.code != LOST or rule.outputs is not None:  # a damaged blob was removed
                raise
            return False
        return True

    def _stored(self, target: Target, key: str) -> Entry | None:
        """What the store has under ``key``, made from the data files as they are now."""
        roots = target.compiled.roots
        return traces.find(
            self.store, key, lambda place: digest_at(expand(place, roots), self.digests)
        )

    def _keep(
        self,
        target: Target,
        key: str,
        inputs: dict[str, Any],
        made: Made,
        outputs: dict[str, Output],
        place: Path,
        link: Container[str],
    ) -> Entry:
        """Let the next build, and other checkouts, have what lies in ``place``."""
        reads = contract(made.reads, target.compiled.roots)
        origin = collect(self, target, inputs, made.reads)
        entry = Entry(key, outputs, reads, made.values, origin)
        return traces.keep(self.store, entry, reads, place, link=link)

    def _run(
        self, target: Target, key: str, inputs: dict[str, Any], verdict: Verdict
    ) -> str | None:
        rule = self.rules[target.kind]
        assert rule.make is not None
        record = partial(self._record, target, inputs, verdict)
        with self.store.staging(target.kind) as folder:
            out = folder / "out"
            out.mkdir()
            made = rule.make(self, target, out)
            if made.place is not None:
                entry = self._keep_in_place(target, key, inputs, made)
                self._record_in_place(target, partial(record, entry=entry.key), key, made)
                return "built"
            if self.key(target)[0] != key or moved_read(made.reads, self.digests) is not None:
                return None
            outputs = scan(out, self.digests)
            if not outputs:
                raise BuildError(f"{target.name} produced nothing", code="FG605")
            entry = self._keep(target, key, inputs, made, outputs, out, link=outputs)
        self._publish(rule, target, entry.outputs)
        self.state.put(
            target.name,
            record(key, self.place(target), entry.files, made.reads, made.values, entry=entry.key),
        )
        return "built"

    def _keep_in_place(self, target: Target, key: str, inputs: dict[str, Any], made: Made) -> Entry:
        """Keep what stays where it is; weights share their bytes."""
        assert made.place is not None and made.files is not None
        outputs = scan(made.place, self.digests, [*made.files, *made.kept])
        # A trainer puts new files in the place of a checkpoint's, and writes into none of them.
        shared = {name for name in outputs if name.endswith(".safetensors")}
        shared.update(name for name in made.kept if outputs[name].size >= LINKED_FROM)
        return self._keep(target, key, inputs, made, outputs, made.place, link=shared)

    def _record_in_place(
        self, target: Target, record: Callable[..., Record], key: str, made: Made
    ) -> None:
        assert made.place is not None and made.files is not None
        share_shards(self.store, made.place, made.files)
        self.state.put(target.name, record(key, made.place, made.files, made.reads, made.values))

    def _record(
        self,
        target: Target,
        inputs: dict[str, Any],
        verdict: Verdict,
        key: str,
        place: Path,
        files: dict[str, str],
        reads: list[list[str]] | None = None,
        values: dict[str, Any] | None = None,
        entry: str = "",
    ) -> Record:
        outputs = target.compiled.outputs
        config = {"graph": outputs["graph.json"].digest, "spans": outputs["spans.json"].digest}
        return Record(
            key,
            self.relative(place),
            files,
            inputs,
            reads or [],
            values or {},
            config,
            {} if self.rules[target.kind].make else target.compiled.origin,
            reasons=list(verdict.reasons),
            entry=entry,
        )

    def _publish(self, rule: Rule, target: Target, outputs: Mapping[str, Output]) -> None:
        place = self.place(target)
        if rule.whole_folder:
            self.store.checkout(outputs, place)
            return
        for name, output in outputs.items():
            self.store.place(output, place / name)

    def close(self) -> None:
        self.store.close()
        self.digests.close()
        self.stamps.database.close()


def config_folder(config: str) -> str:
    """``<ID>``, below ``build/``; a config named like an artifact gets a suffix."""
    name = variants.folder(config)
    project, _, last = name.rpartition("/")
    return f"{name}-config" if project and last in RESERVED else name


def open_store(root: Path, digests: FileDigests) -> Store:
    """The store of a build root, with the shared layers that the settings name."""
    settings = CacheSettings.load(root=root)
    return Store(
        DiskCache(root / "build" / "store"),
        digests,
        shared=DiskCache(settings.directory) if settings.directory is not None else None,
        remote=settings.remote(),
        signer=settings.signer(),
        outbox=settings.outbox(root),
    )
