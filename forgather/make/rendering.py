"""From a config's templates to what is remembered of it: text, spans, graph, and facts about targets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from forgather.config import ConfigEnvironment
from forgather.errors import ProjectError
from forgather.graph import serial
from forgather.graph.materialize import materialize
from forgather.graph.nodes import Node
from forgather.graph.walk import nodes
from forgather.make.digest import canonical_json
from forgather.make.roots import contract
from forgather.make.skeleton import artifact_names, describe
from forgather.meta_config import MetaConfig


@dataclass(frozen=True)
class Rendering:
    """values: plain facts; outputs: file name -> text; reads: [kind, name, path, digest]."""

    values: dict[str, Any]
    outputs: dict[str, str]
    reads: list[list[str]]


def render_config(
    project_dir: str, config_name: str, variables: Mapping[str, Any], roots: Mapping[str, str]
) -> Rendering:
    """Render and parse a config. Raises what the language raises, at the template's line."""
    meta = MetaConfig(project_dir)
    environment = ConfigEnvironment(searchpath=meta.searchpath, frozen=True)
    config = meta.load(
        environment,
        meta.config_path(config_name),
        project_dir=project_dir,
        workspace_root=str(meta.workspace_root),
        build_dir=roots["build"],
        **variables,
    )
    root, text = config.get()
    targets = dict(root) if isinstance(root, dict) else {}  # a list or a scalar has none
    outputs = {
        "config.yaml": contract(str(text), roots) + "\n",
        "spans.json": canonical_json(_spans(config.spans, roots)),
        "graph.json": serial.dumps(targets or root, roots=roots),
    }
    facts = contract(_plain(materialize_meta(targets, text)), roots)
    reads = [read for one in (meta.trace, config.trace) for read in one.reads]
    values = {
        "meta": facts,
        "sweep": json.dumps(contract(_plain(_only_data(targets, "sweep")), roots)),  # in its order
        "variables": sorted({read.name for read in reads if read.kind == "variable"}),
        "system_path": contract(str(meta.system_path), roots) if meta.system_path else None,
        **describe(targets, artifact_names(str(facts.get("config_class") or "")), roots),
    }
    kept = [
        [read.kind, str(read.name), str(read.path or ""), str(read.digest or "")]
        for read in reads
        if read.kind in ("template", "absent", "env")
    ]
    return Rendering(values, outputs, kept)


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


def _only_data(root: Mapping[str, Any], target: str) -> Any:
    """The value of a target that must hold no calls; None if the config has none."""
    value = root.get(target)
    for path, node in nodes(value):
        raise ProjectError(
            f"the target {target!r} must be plain data, but {path or target!r} is a call",
            where=node.span,
            hint=f"write values, not calls, into {target!r}: it is read without running anything",
        )
    return value


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
