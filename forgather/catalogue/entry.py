"""What the catalogue says about one code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

How = Literal["load", "check", "construct", "command", "told"]


@dataclass(frozen=True)
class Entry:
    """One mistake, with a stable code.

    title: what it is, as a noun.
    cause: how it comes about.
    example: the text of a config that has it, or a command line.
    cure: what to do.
    files: other files of the example; by name, as templates see them.
    how: how the mistake shows. load: loading the example, as ``forgather pp`` and ``targets`` do.
        check: ``forgather check`` of it. construct: building all it defines. command: the example is
        a command line, to be run in a project that has ``files``. told: the example only tells.
    """

    code: str
    title: str
    cause: str
    example: str
    cure: str
    files: Mapping[str, str] = field(default_factory=dict)
    how: How = "load"
