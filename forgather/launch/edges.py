"""References from one config to another: ``forgather:from_project`` with constant arguments.

Such a call is an edge of the build graph. Its key names the other project, config and preprocessor
arguments, so that a worker process that meets the call finds the compiled graph that was made for
it. This module is used on both sides: while planning and inside the worker.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from forgather.graph.nodes import CallableNode, Node

CONSTRUCTORS = frozenset({"forgather:from_project", "forgather.project:from_project"})
PARAMETERS = ("project_dir", "config_template", "targets", "pp_debug", "pp_kwargs")


@dataclass(frozen=True)
class Edge:
    """One reference: which config, rendered with what, and which of its targets."""

    project_dir: str
    config: str
    variables: Mapping[str, Any]
    targets: tuple[str, ...]
    is_single: bool  # one target asked by name: the call gives the object itself

    @property
    def key(self) -> str:
        return edge_key(self.project_dir, self.config, self.variables)


def edge_key(project_dir: str, config: str | None, variables: Mapping[str, Any] | None) -> str:
    """Names a rendered config within one machine: the same call gives the same key."""
    named = [os.path.realpath(project_dir), config or "", dict(variables or {})]
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def edge_of(node: Any) -> Edge | None:
    """The edge that ``node`` stands for; None where its arguments are not all constant."""
    if not isinstance(node, CallableNode) or node.constructor not in CONSTRUCTORS:
        return None
    values = dict(zip(PARAMETERS, node.args, strict=False))
    values |= {name: node.kwargs[name] for name in PARAMETERS if name in node.kwargs}
    if "project_dir" not in values or _holds_node(values):
        return None
    targets = values.get("targets") or "main"
    names = (targets,) if isinstance(targets, str) else tuple(targets)
    return Edge(
        values["project_dir"],
        values.get("config_template") or "",
        values.get("pp_kwargs") or {},
        names,
        isinstance(targets, str),
    )


def _holds_node(value: Any) -> bool:
    if isinstance(value, Node):
        return True
    if isinstance(value, Mapping):
        return any(map(_holds_node, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_node, value))
