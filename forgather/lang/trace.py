"""What a render depended on: every file read, every place looked at in vain, every value used.

Filled while rendering; it guesses nothing. ``make`` compares traces to know whether a config must be
rendered again.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal, NamedTuple

Kind = Literal["template", "absent", "env", "variable", "volatile", "listing"]


class Read(NamedTuple):
    """One thing a render looked at.

    template: file ``path`` read as template ``name``; digest of its bytes.
    absent:   ``path`` looked at for template ``name``, and not there.
    env:      environment variable ``name``; digest of its value, None when unset.
    variable: context variable ``name``; digest of its repr, None when it was not given.
    volatile: time, host or current directory; ``name`` says which.
    listing:  directory ``path`` was listed for ``name``; digest of the sorted names.
    """

    kind: Kind
    name: str
    path: str | None = None
    digest: str | None = None


def digest_of(value: bytes | str) -> str:
    data = value.encode("utf-8", "backslashreplace") if isinstance(value, str) else value
    return hashlib.sha256(data).hexdigest()


class Trace:
    """The reads of one render, each once, in the order they happened."""

    def __init__(self) -> None:
        self._seen: dict[Read, None] = {}

    @property
    def reads(self) -> list[Read]:
        return list(self._seen)

    def add(self, read: Read) -> None:
        self._seen.setdefault(read)

    def template(self, name: str, path: str, content: bytes) -> None:
        self.add(Read("template", name, path, digest_of(content)))

    def absent(self, name: str, path: str) -> None:
        self.add(Read("absent", name, path))

    def env(self, name: str, value: str | None) -> None:
        self.add(Read("env", name, None, None if value is None else digest_of(value)))

    def variable(self, name: str, value: Any) -> None:
        self.add(Read("variable", name, None, digest_of(repr(value))))

    def missing_variable(self, name: str) -> None:
        self.add(Read("variable", name))

    def volatile(self, name: str) -> None:
        self.add(Read("volatile", name))
