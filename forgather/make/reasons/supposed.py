"""A build as it would be if nothing had been forgotten: what the key of a step is made of, now.

The inputs of a step name what other steps made. Where one of those was forgotten, or was never done,
there is no key to be had; but there is still much to be said about what else differs.
"""

from __future__ import annotations

from typing import Any

from forgather.make.build import Build
from forgather.make.digest import digest_json
from forgather.make.reasons.facts import UNMADE
from forgather.make.state import Record
from forgather.make.target import Target


class Supposed:
    """Stands in for the build where rules ask it for their inputs."""

    def __init__(self, build: Build) -> None:
        self.build = build

    def __getattr__(self, name: str) -> Any:
        return getattr(self.build, name)

    def record(self, task: str) -> Record:
        record = self.build.state.last(task)
        return record if record is not None else self.build.record(task)  # which raises

    def output_digest(self, task: str) -> str:
        record = self.build.state.last(task)
        return UNMADE if record is None else record.digest

    def key(self, target: Target) -> tuple[str, dict[str, Any]]:
        inputs = self.build.rules[target.kind].inputs(self, target)  # type: ignore[arg-type]
        return digest_json(f"action/{target.kind}", inputs), inputs
