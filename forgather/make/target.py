"""Targets and rules as plain data: what is to be made, and by which rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forgather.make.build import Build
    from forgather.make.compile import Compiled
    from forgather.make.storage.entry import Entry, Output


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
    """What a rule left: in the scratch folder, or (``place``, ``files``) where it has its own place.

    kept: further files below ``place`` that the store keeps for other checkouts.
    """

    values: dict[str, Any] = field(default_factory=dict)
    reads: list[list[str]] = field(default_factory=list)
    place: Path | None = None
    files: dict[str, str] | None = None
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """How artifacts of one kind are made. Exactly one of ``outputs`` and ``make`` is given.

    inputs: everything that decides the result, as JSON data with digests; hashed into the key.
    outputs: files that the store already has, because compiling the config left them there.
    make: writes the outputs into the folder it is given.
    restore: for a rule whose outputs have a place of their own (``Made.place``): puts those of a
        store entry there. Other outputs go to the folder of the config below ``build/``.
    promise: of a step that can follow a training as a job: the inputs that are known before it has ended.
    place: for such a rule, where that place is now.
    folder: that folder, below the config's.
    whole_folder: the outputs own their folder; else they stand beside those of other rules.
    """

    kind: str
    doc: str
    inputs: Callable[[Build, Target], dict[str, Any]]
    make: Callable[[Build, Target, Path], Made] | None = None
    outputs: Callable[[Build, Target], dict[str, Output]] | None = None
    restore: Callable[[Build, Target, Entry], Made] | None = None
    place: Callable[[Target], Path] | None = None
    promise: Callable[[Build, Target], dict[str, Any]] | None = None
    folder: str = ""
    whole_folder: bool = True
