"""From a config to its compiled form: rendered text, graph, and what each target depends on.

The compiled form of a config is remembered together with everything that was read to make it: each
template, each place that was looked at in vain, each variable. While all of that is the same,
nothing is rendered or parsed: a null build reads one small JSON file per config. What is remembered
about a target is its *skeleton*: a digest of its graph in which other artifacts and other projects
are named but not described. Their own digests join the action key when it is asked for.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from forgather.config import ConfigEnvironment
from forgather.errors import ProjectError
from forgather.graph import canonical as graph_canonical
from forgather.graph import serial
from forgather.graph.materialize import materialize
from forgather.graph.nodes import CallableNode, Node
from forgather.graph.walk import edges as edges_of
from forgather.launch.edges import edge_of
from forgather.make.digest import FileDigests, canonical_json, digest_bytes, digest_json
from forgather.make.projection import project_training
from forgather.make.store import write_atomically
from forgather.meta_config import MetaConfig
from forgather.resources import forgather_dir

SCHEMA = 1
TRAINING = "@training"  # the pseudo-target that a training is keyed on

# Root targets that are built as artifacts, by the beginning of the config's class.
ARTIFACTS_OF_CLASS = {
    "type.training_script": ("tokenizer", "train_dataset", "eval_dataset", "model_package"),
    "type.dataset": ("corpus",),
    "type.tokenizer": ("tokenizer",),
    "type.model": ("tokenizer", "model_package"),
}


@dataclass(frozen=True)
class Instance:
    """A config of a project, with the values given to its preprocessor."""

    id: str
    project_dir: Path
    config: str
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Compiled:
    """What is known of a config once it is compiled; ``data`` is what is remembered of it."""

    instance: Instance
    data: dict[str, Any]
    roots: dict[str, str]
    files: dict[str, Path]  # text, spans, graph: where they are kept

    @property
    def id(self) -> str:
        return self.instance.id

    @property
    def meta(self) -> dict[str, Any]:
        return expand(self.data["meta"], self.roots)

    @property
    def config_class(self) -> str:
        return str(self.meta.get("config_class") or "")

    def target(self, name: str) -> dict[str, Any] | None:
        return self.data["targets"].get(name)

    @cached_property
    def text(self) -> str:
        return self.files["text"].read_text()


class Compiler:
    """Compiles configs of one build root, each at most once per process."""

    def __init__(self, build: Path, digests: FileDigests) -> None:
        self.build = build
        self.folder = build / "store" / "compiled"
        self.digests = digests
        self.done: dict[str, Compiled] = {}

    def __call__(self, instance: Instance) -> Compiled:
        if instance.id not in self.done:
            self.done[instance.id] = self._recall(instance) or self._compile(instance)
        return self.done[instance.id]

    def _files(self, instance: Instance) -> dict[str, Path]:
        stem = digest_json("config", [str(instance.project_dir), instance.id])[:24]
        return {name: self.folder / f"{stem}.{name}" for name in ("json", "text", "spans", "graph")}

    def _recall(self, instance: Instance) -> Compiled | None:
        files = self._files(instance)
        try:
            data = json.loads(files["json"].read_text())
        except (FileNotFoundError, ValueError):
            return None
        same = data.get("schema") == SCHEMA and data.get("code") == self._code()
        same = same and data["instance"] == _identity(instance)
        same = same and data["roots"]["forgather"] == str(forgather_dir())
        if not (same and all(self._still(read) for read in data["reads"])):
            return None
        return Compiled(instance, data, data["roots"], files)

    def _code(self) -> str:
        """Digest of the code that renders and parses: an upgrade compiles afresh."""
        folder = Path(__file__).parent.parent
        patterns = (
            "*config.py",
            "lang/*.py",
            "graph/*.py",
            "make/compile.py",
            "make/projection.py",
        )
        files = sorted(path for pattern in patterns for path in folder.glob(pattern))
        return digest_json("code", [self.digests(path) for path in files])

    def _still(self, read: list[str]) -> bool:
        """Is what was read then the same now?"""
        kind, name, path, digest = read
        if kind == "template":
            try:
                return self.digests(path) == digest
            except OSError:
                return False
        if kind == "absent":
            return not os.path.exists(path)
        if kind == "env":
            value = os.environ.get(name)
            return digest == ("" if value is None else digest_bytes(value.encode()))
        return True

    def _compile(self, instance: Instance) -> Compiled:
        meta = MetaConfig(str(instance.project_dir))
        environment = ConfigEnvironment(searchpath=meta.searchpath, frozen=True)
        config = meta.load(
            environment,
            meta.config_path(instance.config),
            project_dir=str(instance.project_dir),
            workspace_root=str(meta.workspace_root),
            build_dir=str(self.build),
            **instance.variables,
        )
        root, text = config.get()
        targets = dict(root) if isinstance(root, dict) else {}  # a list or a scalar has none
        roots = {
            "forgather": str(forgather_dir()),
            "workspace": str(meta.workspace_root),
            "project": str(instance.project_dir),
            "build": str(self.build),
            "root": str(self.build.parent),
        }
        reads = [*_reads(meta.trace), *_reads(config.trace)]
        files = self._files(instance)
        outputs = {
            "text": contract(str(text), roots),
            "spans": canonical_json(_spans(config.spans, roots)),
            "graph": serial.dumps(targets or root, roots=roots),
        }
        facts = contract(_plain(materialize_meta(targets, text)), roots)
        data = {
            "schema": SCHEMA,
            "code": self._code(),
            "instance": _identity(instance),
            "roots": roots,
            "reads": reads,
            "inputs": {
                "reads": _logical(reads, roots),
                "given": {"config": instance.config, "variables": dict(instance.variables)},
                "language": self._code(),
            },
            "digests": {name: digest_bytes(value.encode()) for name, value in outputs.items()},
            "graph_digest": graph_canonical.digest(targets or root, roots=roots),
            "meta": facts,
            "system_path": str(meta.system_path) if meta.system_path else None,
            **_describe(targets, artifact_names(str(facts.get("config_class") or "")), roots),
        }
        for name, value in outputs.items():
            write_atomically(files[name], value)
        write_atomically(files["json"], canonical_json(data))
        return Compiled(instance, data, roots, files)


def materialize_meta(root: Mapping[str, Any], text: str) -> Any:
    """The ``meta`` target of a config, built without importing anything but builtins."""
    meta = root.get("meta")
    if meta is None:
        return {}

    def only_builtin(spec: str, searchpath: Any = ()) -> Callable[..., Any]:
        from forgather.graph.resolve import resolve

        if spec.startswith("named_") or spec in ("getitem", "str", "int"):
            return resolve(spec, searchpath)
        raise ProjectError(
            f"the target 'meta' calls {spec!r}, but it must be plain data",
            where=meta.span if isinstance(meta, Node) else None,
            hint="write values, not calls, into 'meta': it is read without running anything",
        )

    return materialize(meta, variables={"pp_config": text}, resolver=only_builtin)


def _identity(instance: Instance) -> dict[str, Any]:
    return {
        "project_dir": str(instance.project_dir),
        "config": instance.config,
        "variables": dict(instance.variables),
    }


def _reads(trace: Any) -> list[list[str]]:
    return [
        [read.kind, str(read.name), str(read.path or ""), str(read.digest or "")]
        for read in trace.reads
        if read.kind in ("template", "absent", "env")
    ]


def _logical(reads: list[list[str]], roots: Mapping[str, str]) -> dict[str, str]:
    """Reads without absolute paths: what was read, and the digest of what it held."""
    found = {}
    for kind, name, path, digest in reads:
        place = f"environment variable {name}" if kind == "env" else contract(path, roots)
        found[place] = "absent" if kind == "absent" else digest
    return found


def _spans(spans: Mapping[str, Any], roots: Mapping[str, str]) -> dict[str, list[Any]]:
    return {
        path: [span.template, span.line, contract(span.path or "", roots)]
        for path, span in spans.items()
        if span is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def contract(value: Any, roots: Mapping[str, str]) -> Any:
    """Replace root paths by ``${name}``, the longest root first; in text, anywhere."""
    if isinstance(value, str):
        for name, root in sorted(roots.items(), key=lambda item: -len(item[1])):
            value = value.replace(root, f"${{{name}}}")
        return value
    if isinstance(value, Mapping):
        return {key: contract(item, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [contract(item, roots) for item in value]
    return value


def expand(value: Any, roots: Mapping[str, str]) -> Any:
    """The inverse of :func:`contract`."""
    if isinstance(value, str):
        for name, root in roots.items():
            value = value.replace(f"${{{name}}}", root)
        return value
    if isinstance(value, Mapping):
        return {key: expand(item, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, roots) for item in value]
    return value


def artifact_names(config_class: str) -> tuple[str, ...]:
    """The root targets that are artifacts in a config of this class."""
    for prefix, names in ARTIFACTS_OF_CLASS.items():
        if config_class.startswith(prefix):
            return names
    return ()


def _describe(
    root: dict[str, Any], names: tuple[str, ...], roots: Mapping[str, str]
) -> dict[str, Any]:
    """The skeleton of every target, and the edges to other configs."""
    artifacts = {id(root[name]): name for name in names if _is_node(root.get(name))}
    edges: dict[str, Any] = {}
    targets: dict[str, Any] = {}
    for name, value in root.items():
        targets[name] = _skeleton(value, name, artifacts, edges, roots)
    if "train_dataset" in names and _is_node(root.get("trainer")):
        projected = project_training(root, frozenset(artifacts))
        targets[TRAINING] = _skeleton(projected, TRAINING, artifacts, edges, roots)
    return {"targets": targets, "edges": edges}


def _is_node(value: Any) -> bool:
    return isinstance(value, CallableNode)


def _skeleton(
    value: Any,
    name: str,
    artifacts: Mapping[int, str],
    edges: dict[str, Any],
    roots: Mapping[str, str],
) -> dict[str, Any]:
    used_artifacts: set[str] = set()
    used_edges: dict[str, set[str]] = {}

    def replace(node: Any) -> Any:
        artifact = artifacts.get(id(node))
        if artifact is not None and artifact != name:
            used_artifacts.add(artifact)
            return {"artifact": artifact}
        edge = edge_of(node)
        if edge is None:
            return None
        label = digest_json(
            "edge", [contract(edge.project_dir, roots), edge.config, dict(edge.variables)]
        )[:16]
        edges[label] = {
            "project_dir": contract(edge.project_dir, roots),
            "config": edge.config,
            "variables": contract(dict(edge.variables), roots),
        }
        used_edges.setdefault(label, set()).update(edge.targets)
        passed = {key: item for key, item in node.kwargs.items() if key not in EDGE_PLACES}
        return {
            "edge": label,
            "passed": graph_canonical.canonical(passed, replace=replace, roots=roots),
        }

    digest = graph_canonical.digest(value, replace=replace, roots=roots)
    direct = edge_of(value)
    description: dict[str, Any] = {
        "digest": digest,
        "artifacts": sorted(used_artifacts),
        "edges": {label: sorted(names) for label, names in sorted(used_edges.items())},
        "calls": _calls(value, name, artifacts, roots),
        "is_node": _is_node(value),
    }
    if direct is not None and direct.is_single:
        description["alias"] = [next(iter(used_edges)), direct.targets[0]]
    return description


EDGE_PLACES = frozenset({"project_dir", "config_template", "pp_kwargs"})


def _calls(
    value: Any, name: str, artifacts: Mapping[int, str], roots: Mapping[str, str]
) -> list[list[Any]]:
    """Constructors reached without entering other artifacts: [spec, search path]."""
    found: dict[str, list[Any]] = {}
    waiting: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    seen: set[int] = set()
    while waiting:
        node, search = waiting.pop()
        if id(node) in seen or artifacts.get(id(node)) not in (None, name):
            continue
        seen.add(id(node))
        if isinstance(node, CallableNode) and edge_of(node) is None:
            search = node.submodule_searchpath or _searchpath_argument(node) or search
            found.setdefault(
                contract(node.constructor, roots), [contract(path, roots) for path in search]
            )
        waiting += [(child, search) for _key, child in edges_of(node)]
    return [[spec, search] for spec, search in sorted(found.items())]


def _searchpath_argument(node: CallableNode) -> tuple[str, ...]:
    """Where the code generator looks for the parts in its model graph."""
    value = node.kwargs.get("searchpath")
    is_paths = isinstance(value, list) and all(isinstance(path, str) for path in value)
    return tuple(value) if is_paths else ()
