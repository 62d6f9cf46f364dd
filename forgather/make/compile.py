"""Compiled configs, each rendered only when something that was read for it is no longer the same.

What was compiled is kept in the store like any artifact, under a key over all that was read: each
template, each place that was looked at in vain, each variable. Which places those are is not known
before rendering, so what is asked for is a key over the config's name, and the store tells the places
(:mod:`forgather.make.storage.traces`). Keys name places by root (``${workspace}/...``): another checkout, or a
config that is changed back, finds its compiled form and renders nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

from forgather.errors import BuildError, ForgatherError
from forgather.make.digest import FileDigests, digest_bytes, digest_json
from forgather.make.origin.circumstances import circumstances
from forgather.make.origin.provenance import config_of
from forgather.make.probes import (
    Remembered,
    note_absent,
    note_environment,
    note_listing,
    note_no_file,
    note_user_folder,
)
from forgather.make.roots import contract, expand
from forgather.make.storage import traces
from forgather.make.storage.entry import Entry, Output
from forgather.make.storage.sources import Sources
from forgather.make.storage.store import LOST, Store
from forgather.resources import forgather_dir
from forgather.workspace.find import WORKSPACE_NAME, find_workspace_dir, user_templates

T = TypeVar("T")

SCHEMA = 2
PACKAGE = Path(__file__).parents[1]
# The code that decides what a compiled config looks like.
LANGUAGE = ("*config.py", "lang/*.py", "graph/*.py", "launch/edges.py")
DESCRIPTION = ("rendering.py", "skeleton.py", "projection.py", "roots.py", "compile.py")
VALUES = {"meta", "sweep", "variables", "system_path", "targets", "edges", "reads", "inputs"}
GRAPH = "graph.json"
FILES = {"text": "config.yaml", "spans": "spans.json", "graph": GRAPH}


@dataclass(frozen=True)
class Instance:
    """A config of a project, with the values given to its preprocessor."""

    id: str
    project_dir: Path
    config: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Compiled:
    """What is known of a config once it is compiled.

    data: what is remembered of it, without absolute paths; outputs: config.yaml, spans.json and
    graph.json; files: where the store keeps them, as text, spans and graph.
    """

    instance: Instance
    data: dict[str, Any]
    roots: dict[str, str]
    outputs: dict[str, Output]
    files: StoredFiles
    fresh: frozenset[str] = frozenset()  # outputs made by this process, not found in the store
    origin: dict[str, Any] = field(default_factory=dict)  # when and by what it was rendered

    @property
    def id(self) -> str:
        return self.instance.id

    @property
    def meta(self) -> dict[str, Any]:
        return expand(self.data["meta"], self.roots)

    @property
    def config_class(self) -> str:
        return str(self.data["meta"].get("config_class") or "")

    @property
    def system_path(self) -> str | None:
        return expand(self.data["system_path"], self.roots)

    @property
    def reads(self) -> list[list[str]]:
        """[kind, name, absolute path, digest] of everything that rendering looked at."""
        return [
            [kind, name, expand(path, self.roots), digest]
            for kind, name, path, digest in self.data["reads"]
        ]

    def target(self, name: str) -> dict[str, Any] | None:
        return self.data["targets"].get(name)

    @cached_property
    def text(self) -> str:
        return self.files["text"].read_text()


class StoredFiles(Mapping[str, Path]):
    """Where the store keeps files, by name. A file is compared with its digest when it is taken:
    the caches that checkouts share are written by others, too. What is damaged is rendered again.
    """

    def __init__(
        self, store: Store, digests: dict[str, str], render_again: Callable[[], None]
    ) -> None:
        self._store = store
        self._digests = digests
        self._render_again = render_again

    def __getitem__(self, name: str) -> Path:
        digest = self._digests[name]
        return self.mended(lambda: self._store.checked_blob(digest))

    def mended(self, take: Callable[[], T]) -> T:
        """What ``take`` gives, if need be after what the store has lost was rendered again."""
        try:
            return take()
        except BuildError as error:
            if error.code != LOST:
                raise
            self._render_again()
            return take()

    def __iter__(self) -> Iterator[str]:
        return iter(self._digests)

    def __len__(self) -> int:
        return len(self._digests)


class Compiler:
    """Compiles configs of one build root, each at most once per process."""

    def __init__(self, build: Path, store: Store, digests: FileDigests) -> None:
        self.build = build
        self.store = store
        self.digests = digests
        self.sources = Sources.of(store)  # for whoever asks later what has changed
        self.remembered = Remembered()
        self.done: dict[str, Compiled] = {}
        self.rendered = 0  # how many configs had to be rendered
        self._lock = threading.RLock()

    def __call__(self, instance: Instance) -> Compiled:
        with self._lock:
            return self.remembered(instance.id, lambda: self._compiled(instance))

    def _compiled(self, instance: Instance) -> Compiled:
        roots = self._roots(instance)
        manifest = self._manifest(instance, roots)
        found = self._find(manifest, roots)
        fresh: frozenset[str] = frozenset()
        if found is None:
            with self.store.key_lease(manifest):  # another build may be rendering it
                found = self._find(manifest, roots)
                if found is None:
                    found, fresh = self._render(instance, manifest, roots)
        again = partial(self._render_again, instance, manifest, roots)
        digests = {name: found.files[file] for name, file in FILES.items()}
        files = StoredFiles(self.store, digests, again)
        compiled = Compiled(
            instance, found.values, roots, found.outputs, files, fresh, found.provenance
        )
        self.done[instance.id] = compiled
        return compiled

    def _manifest(self, instance: Instance, roots: Mapping[str, str]) -> str:
        return digest_json(
            "config",
            {
                "schema": SCHEMA,
                "code": self.code(),
                "project": contract(str(instance.project_dir), {"root": roots["root"]}),
                "config": instance.config,
                "variables": contract(dict(instance.variables), roots),
            },
        )

    def current_manifest(self, entry: Entry) -> str | None:
        """The manifest by which a compiled config would be found now; None where it would not be."""
        try:
            config, reads = entry.provenance["config"], entry.values["reads"]
            project = self.build.parent / config["project"]
            instance = Instance("", Path(os.path.normpath(project)), config["name"])
            roots = self._roots(instance)
            variables = expand(config["variables"], roots)
            places = [_place(read, roots) for read in reads]
        except (KeyError, TypeError, ForgatherError):  # not of this checkout, or not there any more
            return None
        manifest = self._manifest(replace(instance, variables=variables), roots)
        now = traces.look_at(places, lambda place: self._look(place, roots))
        is_found = now is not None and traces.traced_key(manifest, now) == entry.key
        return manifest if is_found else None

    def _roots(self, instance: Instance) -> dict[str, str]:
        note_user_folder()
        project = str(instance.project_dir)
        workspace = os.path.dirname(find_workspace_dir(project))
        folder = project
        while folder != workspace:  # a workspace nearer to the project would be another one
            note_absent(os.path.join(folder, WORKSPACE_NAME))
            folder = os.path.dirname(folder)
        return {
            "forgather": str(forgather_dir()),
            "workspace": workspace,
            "project": project,
            "build": str(self.build),
            "root": str(self.build.parent),
            "user": user_templates(),
        }

    def code(self) -> str:
        """Digest of the code that renders and parses: an upgrade compiles afresh."""
        return self.remembered("@code", self._code)

    def _code(self) -> str:
        for folder in ("", "lang", "graph"):
            note_listing(PACKAGE / folder)
        files = [path for pattern in LANGUAGE for path in PACKAGE.glob(pattern)]
        files += [PACKAGE / "make" / name for name in DESCRIPTION]
        return digest_json("code", [self.digests(path) for path in sorted(files)])

    def _find(self, manifest: str, roots: Mapping[str, str]) -> Entry | None:
        """The compiled form that an earlier render left, if what it read stands there now."""
        found = traces.find(
            self.store, manifest, lambda place: self._look(place, roots), quick=True
        )
        return found if found is not None and _is_compiled(found) else None

    def _look(self, place: list[str], roots: Mapping[str, str]) -> str | None:
        """The digest of what stands at a place now; None where a file came or went."""
        if len(place) not in (3, 4):
            return None  # no place of ours
        kind, name, contracted, *way = place
        path = expand(contracted, roots)
        if way and os.path.normpath(os.path.join(roots["workspace"], *way)) != path:
            return None  # see _place
        if kind == "template":
            try:
                return self.digests(path)
            except OSError:
                return None
        if kind == "absent":
            if os.path.isfile(path):
                return None
            note_no_file(path)
            return ""
        return _environment_digest(name)

    # compiling

    def _render(
        self, instance: Instance, manifest: str, roots: dict[str, str]
    ) -> tuple[Entry, frozenset[str]]:
        """The compiled form, and which of its files the store had not had."""
        from forgather.make.rendering import render_config

        rendering = render_config(
            str(instance.project_dir), instance.config, instance.variables, roots
        )
        self.rendered += 1
        self.sources.keep(
            (path, sha) for kind, _, path, sha in rendering.reads if kind == "template"
        )
        reads = [
            [kind, name, contract(path, roots), digest]
            for kind, name, path, digest in rendering.reads
        ]
        traced = [[*_place(read, roots), read[-1]] for read in reads]
        outputs = {
            name: Output(digest_bytes(text.encode()), len(text.encode()))
            for name, text in rendering.outputs.items()
        }
        values = {
            **rendering.values,
            "reads": reads,
            "inputs": {
                "reads": _logical(reads),
                "given": {"config": instance.config, "variables": dict(instance.variables)},
                "language": self.code(),
            },
        }
        # A text is new with every render; a graph is not, where only a comment has changed.
        old = {n for n, out in outputs.items() if n == GRAPH and self.store.has_blob(out.digest)}
        with self.store.staging("config") as folder:
            for name, text in rendering.outputs.items():
                (folder / name).write_bytes(text.encode())
            origin = {"config": config_of(self.build.parent, instance, roots)}
            origin |= circumstances(self.build.parent, ask=False)
            entry = Entry(manifest, outputs, values=values, provenance=origin)
            entry = traces.keep(self.store, entry, traced, folder, link=outputs)
        # What has just been read must hold still when the caller goes on with it.
        for read in traced:
            self._look(read[:-1], roots)
        return entry, frozenset(outputs.keys() - old)

    def _render_again(self, instance: Instance, manifest: str, roots: dict[str, str]) -> None:
        with self._lock:
            self._render(instance, manifest, roots)


def _place(read: list[str], roots: Mapping[str, str]) -> list[str]:
    """Where something was read. For what lies outside of the roots, the way there from the workspace,
    too: a config may have named it by that, and means another file where the workspace lies elsewhere.
    """
    kind, name, contracted, _digest = read
    is_outside = kind != "env" and os.path.isabs(contracted)
    way = [os.path.relpath(contracted, roots["workspace"])] if is_outside else []
    return [kind, name, contracted, *way]


def _is_compiled(entry: Entry) -> bool:
    """Whether an entry, wherever it comes from, is that of a compiled config."""
    return entry.values.keys() >= VALUES and entry.outputs.keys() >= set(FILES.values())


def _environment_digest(name: str) -> str:
    note_environment(name)
    value = os.environ.get(name)
    return "" if value is None else digest_bytes(value.encode())


def _logical(reads: list[list[str]]) -> dict[str, str]:
    """What was read, and the digest of what it held."""
    found = {}
    for kind, name, place, digest in reads:
        label = f"environment variable {name}" if kind == "env" else place
        found[label] = "absent" if kind == "absent" else digest
    return found
