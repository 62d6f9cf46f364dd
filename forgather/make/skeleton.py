"""What is remembered of a target: its *skeleton*.

A skeleton is a digest of the target's graph in which other artifacts and other projects are named but
not described. Their own digests join the action key when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from forgather.graph import canonical as graph_canonical
from forgather.graph.nodes import CallableNode
from forgather.graph.walk import edges as edges_of
from forgather.launch.edges import edge_of
from forgather.make.digest import digest_json
from forgather.make.projection import project_training
from forgather.make.roots import contract

TRAINING = "@training"  # the pseudo-target that a training is keyed on

# Root targets that are built as artifacts, by the beginning of the config's class.
ARTIFACTS_OF_CLASS = {
    "type.training_script": ("tokenizer", "train_dataset", "eval_dataset", "model_package"),
    "type.dataset": ("corpus",),
    "type.tokenizer": ("tokenizer",),
    "type.model": ("tokenizer", "model_package"),
}


def artifact_names(config_class: str) -> tuple[str, ...]:
    """The root targets that are artifacts in a config of this class."""
    for prefix, names in ARTIFACTS_OF_CLASS.items():
        if config_class.startswith(prefix):
            return names
    return ()


def describe(
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
