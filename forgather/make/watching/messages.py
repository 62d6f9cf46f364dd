"""What a watch and its rounds tell each other: an order when a round begins, a report when it has ended.

Both are JSON in one file, which they share.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import IO

from forgather.make.watching.lookout import NOWHERE, Places

CONFIG = "@"  # before the id of a config, in the names of a watch


@dataclass(frozen=True)
class Wanted:
    """names: tasks, kinds, patterns, or ``@ID`` for what of a config is made quickly.

    With ``config``, a kind means that of this config of the project (a folder); ``@`` alone means the
    config, or the project's default one.
    """

    names: Sequence[str]
    project: str = ""
    config: str = ""


@dataclass(frozen=True)
class Order:
    """What a round is to do; told: errors that have been shown already; reminds: say that they are
    still there."""

    root: str
    wanted: Wanted
    explains: bool
    told: Sequence[str]
    reminds: bool

    @classmethod
    def read(cls, stream: IO[str]) -> Order:
        data = json.load(stream)
        return cls(**data | {"wanted": Wanted(**data["wanted"])})


@dataclass(frozen=True)
class Report:
    """What a round leaves: names as tasks, kinds and patterns, where mistakes may be, errors it showed."""

    names: Sequence[str] = ()
    places: Places = NOWHERE
    errors: Sequence[str] = ()

    @classmethod
    def read(cls, stream: IO[str]) -> Report:
        data = json.load(stream)
        places = {name: tuple(paths) for name, paths in data["places"].items()}
        return cls(**data | {"places": Places(**places)})


def write(document: Order | Report, stream: IO[str]) -> None:
    """In the place of what the stream holds."""
    stream.seek(0)
    stream.truncate()
    json.dump(asdict(document), stream)
    stream.flush()
    stream.seek(0)
