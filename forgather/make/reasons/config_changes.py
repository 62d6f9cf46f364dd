"""What differs between two compiled configs, in the part that an artifact is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, GraphError, Span
from forgather.graph import serial
from forgather.graph.compare import Change, compare
from forgather.graph.nodes import CallableNode
from forgather.make.projection import project_training
from forgather.make.roots import expand
from forgather.make.skeleton import ARTIFACTS_OF_CLASS
from forgather.make.storage.store import Store

# The parts of a config that an artifact is made of, by its kind.
PARTS = {
    "tokenizer": ("tokenizer",),
    "dataset": ("corpus", "train_dataset", "eval_dataset"),
    "model": ("model_package",),
}
ARTIFACTS = frozenset(name for names in ARTIFACTS_OF_CLASS.values() for name in names)


def changes_between(
    store: Store,
    kind: str,
    old: Mapping[str, str],
    new: Mapping[str, str],
    roots: Mapping[str, str],
) -> list[Change]:
    """The differences that matter to ``kind``, given the blobs of two configs.

    Empty where the store no longer has one of them, or where its places are gone: then digests have
    to do.
    """
    try:
        before, after = (_Config(store, blobs, roots) for blobs in (old, new))
    except (BuildError, GraphError):
        return []
    own = set(PARTS.get(kind, ()))
    others = ARTIFACTS - own if kind in PARTS or kind == "train" else frozenset()
    skip = [(before.node(name), after.node(name)) for name in sorted(others)]
    parts = before.part(kind, others), after.part(kind, others)
    return compare(*parts, before.spans, after.spans, skip=skip)


class _Config:
    """A compiled config, with its places."""

    def __init__(self, store: Store, blobs: Mapping[str, str], roots: Mapping[str, str]) -> None:
        graph, spans = (_text(store, blobs.get(name)) for name in ("graph", "spans"))
        self.spans = {
            path: Span(template, line, path=expand(file, roots) or None)
            for path, (template, line, file) in json.loads(spans).items()
        }
        self.root = serial.loads(graph, roots=roots, spans=self.spans)

    def node(self, name: str) -> Any:
        """The target ``name`` where it is built by a call; else something equal to nothing else."""
        value = self.root.get(name) if isinstance(self.root, dict) else None
        return value if isinstance(value, CallableNode) else object()

    def part(self, kind: str, others: frozenset[str]) -> Any:
        if not isinstance(self.root, dict):
            return self.root
        if kind == "train" and "trainer" in self.root:
            keep = frozenset(id(self.node(name)) for name in others)
            return {"trainer": project_training(self.root, keep)}
        names = PARTS.get(kind)
        if names is None:
            return self.root
        return {name: self.root[name] for name in names if name in self.root}


def _text(store: Store, sha: str | None) -> str:
    if sha is None:
        raise BuildError("the config that was built was not kept")
    path: Path = store.blob(sha)
    return path.read_text()
