"""Compares a workspace that is edited and built again and again with builds from nothing.

For each edit the command line is asked to bring everything up to date, and then must be right:

* Under-build: it ends without an error, yet an output differs in a byte from what a build from nothing
  makes of the same sources at another path (or that build fails). The other way round, an error
  where the build from nothing has none, counts as well.
* Over-build: an action ran although its key and everything it was traced to read were the same as
  when its outputs were made, and these outputs stood there undamaged, and came out the same.
* Repeated: an action ran that had run before with the same key and the same reads; a store could
  have kept the result. (What a damaged store lost is not counted.)

The build from nothing runs in a process of its own, with no store, cache or memory of any other.

What large workspaces do to save time is done in this small one as well: answers to whole requests are
kept (half of the builds are asked for twice), and packs are offered. Now and then a new checkout, of the
edited sources, starts with the pack of before the edit; its texts and graphs are compared, too.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

from forgather.make import answers
from forgather.make.packs import offer
from tests.integration import forked
from tests.integration.cheap import KINDS, copy_sources, make_workspace, outputs
from tests.integration.random_edits import Editor, random_edit

COPIED = 0.1  # of the edits are followed by a new checkout
MEMORY = 20000  # results of builds from nothing that are kept
FRESH = 20  # of so many builds from nothing, one compiles the templates anew too


@dataclass
class Expected:
    """What a build from nothing gave."""

    is_whole: bool  # no task failed
    digests: dict[str, str]
    output: str


@dataclass
class Counts:
    """What happened; ``under`` and ``over`` hold a description each."""

    edits: Counter[str] = field(default_factory=Counter)
    built: Counter[str] = field(default_factory=Counter)
    restored: int = 0
    copies: int = 0
    taken: int = 0
    failing: int = 0
    under: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        actions = sum(self.built.values())
        share = 100 * len(self.over) / max(actions, 1)
        again = 100 * len(self.repeated) / max(actions, 1)
        built = ", ".join(f"{kind} {count}" for kind, count in sorted(self.built.items()))
        edits = ", ".join(f"{kind} {count}" for kind, count in sorted(self.edits.items()))
        return [
            f"edits           {sum(self.edits.values())} ({edits})",
            f"actions run     {actions} ({built})",
            f"restored        {self.restored}",
            f"new checkouts   {self.copies} ({self.taken} texts and graphs came from packs)",
            f"broken configs  {self.failing} (both builds said so)",
            f"under-builds    {len(self.under)}",
            f"over-builds     {len(self.over)} ({share:.2f} %)",
            f"repeated        {len(self.repeated)} ({again:.2f} %)",
        ]

    @property
    def is_good(self) -> bool:
        """No under-build, over-builds of at most 1 %, and most edits left something to compare."""
        over = len(self.over) <= 0.01 * max(sum(self.built.values()), 1)
        return not self.under and over and self.failing <= 0.2 * sum(self.edits.values())


def digests(root: Path) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in outputs(root).items()}


class CleanBuilds:
    """Builds from nothing, remembered by every byte of the sources and the environment."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.known: dict[str, Expected] = {}

        self.count = 0

    def _key(self, editor: Editor) -> str:
        digest = hashlib.sha256(repr(sorted(editor.environment.items(), key=str)).encode())
        for folder, folders, names in os.walk(editor.root):
            folders[:] = sorted(
                name for name in folders if name not in ("build", "output_models", "__pycache__")
            )
            for name in [*folders, *sorted(names)]:
                path = Path(folder, name)
                digest.update(f"{path}\0".encode())
                digest.update(path.read_bytes() if path.is_file() else b"folder")
                digest.update(b"\0")
        return digest.hexdigest()

    def start(self, editor: Editor) -> Running:
        """Start the build from nothing, unless its result is known."""
        key = self._key(editor)
        if key in self.known:
            return Running(key)
        place = Path(mkdtemp(prefix="clean-", dir=self.scratch))
        root = copy_sources(editor.root, place / "elsewhere" / "copy")
        self.count += 1
        compiled = place if self.count % FRESH == 0 else self.scratch / "templates"
        environment = {
            **editor.environment,
            "FORGATHER_CACHE_DIR": "off",
            "XDG_CACHE_HOME": str(compiled),
        }
        child = forked.start_call(root, partial(build_everything, root), environment, place)
        return Running(key, child, place, root)

    def finish(self, running: Running) -> Expected:
        if running.key not in self.known:
            if len(self.known) >= MEMORY:
                self.known.clear()
            done = forked.wait(running.child, running.place)
            self.known[running.key] = Expected(done.code == 0, digests(running.root), done.output)
            shutil.rmtree(running.place)
        return self.known[running.key]


@dataclass
class Running:
    """A build from nothing that is under way."""

    key: str
    child: int = 0
    place: Path = Path()
    root: Path = Path()


def build_everything(root: Path) -> int:
    """Build all that there is, in order; 1 where a step fails."""
    from forgather.errors import ForgatherError
    from forgather.make.catalog import Catalog

    catalog = Catalog(root)
    todo = catalog.closure(KINDS)
    failed = dict.fromkeys(catalog.broken, True)
    done: set[str] = set()

    def build(name: str) -> None:
        target = todo[name]
        if name in done or name in failed:
            return
        for each in target.deps:
            build(each)
        if any(each in failed for each in target.deps):
            failed[name] = True
        elif not target.is_alias:
            try:
                catalog.build.make(target)
            except ForgatherError as error:
                print(error.render())
                failed[name] = True
        done.add(name)

    for name in todo:
        build(name)
    return int(bool(failed))


def command_line(arguments: Sequence[str]) -> int:
    """What ``doit`` does, with its short cuts for large workspaces; not in this process."""
    answers.MANY, offer.MANY, offer.SHARE = 0, 1, 1 << 30
    return forked.command_line(arguments)


class Soak:
    """One workspace, edited and built in turn."""

    def __init__(self, scratch: Path, seed: int) -> None:
        self.scratch = scratch
        self.root = make_workspace(scratch / "workspace")
        self.editor = Editor(self.root, seed)
        self.clean = CleanBuilds(scratch)
        self.cache = scratch / "cache"
        self.counts = Counts()
        self.done: set[tuple[str, str]] = set()
        self.last = forked.Outcome(0, "")  # of the newest check

    @property
    def environment(self) -> Mapping[str, str | None]:
        return {**self.editor.environment, "FORGATHER_CACHE_DIR": str(self.cache)}

    def doit(self, root: Path, *arguments: str) -> forked.Outcome:
        with TemporaryDirectory(prefix="doit-", dir=self.scratch) as scratch:
            command = partial(command_line, arguments)
            child = forked.start_call(root, command, self.environment, Path(scratch))
            return forked.wait(child, Path(scratch))

    def step(self) -> list[str]:
        """One edit and one build; what was wrong, if anything."""
        kind, said = random_edit(self.editor)
        self.counts.edits[kind] += 1
        found = [f"after {said!r}: {problem}" for problem in self.check()]
        self.counts.under += found
        return found

    def check(self) -> list[str]:
        """Bring the workspace up to date, and compare it with a build from nothing."""
        before = digests(self.root)
        chance = self.editor.chance.random()
        clean = self.clean.start(self.editor)
        copy = self._build_copy() if chance < COPIED else {}
        done = self.doit(self.root, "--continue", *KINDS)
        expected = self.clean.finish(clean)
        now = digests(self.root)
        if chance < 0.5 and done.code == 0:
            self.doit(self.root, *KINDS)  # nothing to do, which is kept as an answer
        self.last = done
        self._count(done, before, now)
        if (done.code == 0) != expected.is_whole:
            other = "fails" if done.code == 0 else "is fine"
            said = expected.output if done.code == 0 else done.output
            self.editor.reset()
            return [f"the build ends with {done.code}, a build from nothing {other}:\n{said}"]
        if done.code != 0:
            self.counts.failing += 1
            if self.editor.chance.random() < 0.8:  # do not stay broken for long
                self.editor.undo() if self.editor.chance.random() < 0.5 else self.editor.reset()
            return []
        return [
            f"{name} {'differs' if name in now else 'is missing'}"
            for name, digest in expected.digests.items()
            if now.get(name) != digest
        ] + [
            f"in a new checkout {name} differs"
            for name, digest in copy.items()
            if expected.digests.get(name) != digest
        ]

    def _build_copy(self) -> dict[str, str]:
        """The texts and graphs of a new checkout."""
        with TemporaryDirectory(prefix="copy-", dir=self.scratch) as place:
            root = copy_sources(self.root, Path(place) / "copy")
            done = self.doit(root, "--continue", "pp", "graph")
            self.counts.copies += 1
            self.counts.taken += done.output.count("(restored)") - len(done.how("restored"))
            return digests(root)

    def _count(self, done: forked.Outcome, before: dict[str, str], now: dict[str, str]) -> None:
        self.counts.restored += len(done.how("restored"))
        for task in done.built:
            self.counts.built[task.partition(":")[0]] += 1
            note = done.notes[task]
            stood = all(before.get(name) == now.get(name) is not None for name in note["files"])
            if note["same"] and stood:
                self.counts.over.append(task)
            if (task, note["inputs"]) in self.done:
                self.counts.repeated.append(task)
        self.remember(done.notes)

    def remember(self, notes: Mapping[str, Mapping[str, str]]) -> None:
        """These steps are done, and what they made is in the store."""
        self.done.update((task, note["inputs"]) for task, note in notes.items())
