"""Materializes compiled graphs in a worker: no template is rendered, no project is loaded.

Artifacts stand in for the targets they were built from, and a call of ``forgather:from_project`` is
served from the compiled graph that the build made for it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, Span
from forgather.graph import serial
from forgather.graph.materialize import materialize
from forgather.graph.resolve import resolve
from forgather.launch.bundle import SEALED
from forgather.launch.edges import CONSTRUCTORS, edge_key


class CompiledConfig:
    """One compiled config and the artifacts that replace some of its targets."""

    def __init__(self, spec: Mapping[str, Any], session: Session) -> None:
        self.session = session
        roots = spec["roots"]
        text = Path(spec["graph"]).read_text()
        for name, value in session.values.items():
            text = text.replace(f"${{{name}}}", json.dumps(value)[1:-1])
        spans = {
            path: Span(template, line, path=_expand(file, roots) or None)
            for path, (template, line, file) in json.loads(Path(spec["spans"]).read_text()).items()
        }
        self.root = serial.loads(text, roots=roots, spans=spans)
        self.text = _expand(Path(spec["text"]).read_text(), {**roots, **session.values})
        places = {id(self.root[name]): (name, path) for name, path in spec["overrides"].items()}
        self.overrides = Artifacts(places, session)
        if spec["system_path"] and spec["system_path"] not in sys.path:
            sys.path.insert(0, spec["system_path"])

    def materialize(self, targets: str | list[str], **variables: Any) -> Any:
        """Build targets; ``pp_config`` is always among the variables."""
        return materialize(
            self.root,
            targets,
            {"pp_config": self.text, **variables},
            overrides=self.overrides,
            resolver=self.session.resolver,
        )


class Artifacts(Mapping[int, Any]):
    """Node id -> the artifact that stands in for the node, loaded when it is asked for."""

    def __init__(self, places: Mapping[int, tuple[str, str]], session: Session) -> None:
        self.places = places
        self.session = session

    def __getitem__(self, node: int) -> Any:
        return self.session.load_artifact(*self.places[node])

    def __contains__(self, node: object) -> bool:
        return node in self.places

    def __iter__(self) -> Iterator[int]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)


class Session:
    """Everything one worker knows: configs by edge key, artifacts loaded once each."""

    def __init__(
        self,
        edges: Mapping[str, Any],
        values: Mapping[str, str],
        load_artifact: Callable[[str, str], Any],
    ) -> None:
        self.edges = edges
        self.values = dict(values)
        self._load = load_artifact
        self._artifacts: dict[tuple[str, str], Any] = {}
        self._configs: dict[str, CompiledConfig] = {}

    def load_artifact(self, name: str, path: str) -> Any:
        if (name, path) not in self._artifacts:
            self._artifacts[name, path] = self._load(name, path)
        return self._artifacts[name, path]

    def resolver(self, spec: str, searchpath: Any = ()) -> Any:
        return self.from_project if spec in CONSTRUCTORS else resolve(spec, searchpath)

    def from_project(
        self,
        project_dir: str,
        config_template: str | None = None,
        targets: str | list[str] = "",
        pp_debug: bool = False,
        pp_kwargs: dict[str, Any] | None = None,
        **config_kwargs: Any,
    ) -> Any:
        """Like :func:`forgather.from_project`, from compiled graphs where the build made one."""
        key = edge_key(project_dir, config_template, pp_kwargs)
        if key not in self.edges and SEALED in os.environ:
            raise BuildError(
                f"this training asks for {config_template or 'the default config'} of {project_dir} "
                "with arguments that are known only while it runs",
                hint="a node of a cluster renders no templates: give constant arguments, or train here",
                code="FG659",
            )
        if key not in self.edges:  # arguments known only now: the one case that renders here
            render = resolve("forgather.project:from_project")
            return render(
                project_dir, config_template, targets, pp_debug, pp_kwargs, **config_kwargs
            )
        if key not in self._configs:
            self._configs[key] = CompiledConfig(self.edges[key], self)
        return self._configs[key].materialize(targets or "main", **config_kwargs)


def _expand(text: str, roots: Mapping[str, str]) -> str:
    for name, value in roots.items():
        text = text.replace(f"${{{name}}}", value)
    return text
