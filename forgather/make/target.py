"""Targets and rules as plain data: what is to be made, and by which rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forgather.make.build import Build
    from forgather.make.compile import Compiled


@dataclass(frozen=True)
class Target:
    """One artifact of one config: ``model:tiny_llama``."""

    kind: str
    compiled: Compiled
    deps: tuple[str, ...] = ()  # names of the tasks that must be done before
    is_alias: bool = False  # nothing of its own: another project's artifact, the only dep

    @property
    def id(self) -> str:
        return self.compiled.id

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Made:
    """What a rule left: its outputs lie in ``place`` (for stored rules: in the scratch folder)."""

    values: dict[str, Any] = field(default_factory=dict)
    reads: list[list[str]] = field(default_factory=list)
    place: Path | None = None
    files: dict[str, str] | None = None


@dataclass(frozen=True)
class Rule:
    """How artifacts of one kind are made.

    inputs: everything that decides the result, as JSON data with digests; hashed into the key.
    make: writes the outputs into the folder it is given.
    place: folder of the outputs below the build directory, given the config's folder.
    whole_folder: the outputs own their folder; else they stand beside those of other rules.
    stored: outputs go through the content store; else they stay where the rule put them.
    """

    kind: str
    doc: str
    inputs: Callable[[Build, Target], dict[str, Any]]
    make: Callable[[Build, Target, Path], Made]
    folder: str = ""
    whole_folder: bool = True
    stored: bool = True
