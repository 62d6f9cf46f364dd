"""Variables every template sees: ``hostname``, ``uname``, ``versions``. Computed when first used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from forgather.lang.trace import Trace

PACKAGES = ("torch", "transformers", "accelerate")


class Lazy:
    """A context variable whose value is asked for at first use."""

    __slots__ = ("get",)

    def __init__(self, get: Callable[[], Any]) -> None:
        self.get = get


class Versions(Mapping[str, str]):
    """``versions.torch``: the installed version, from package metadata; nothing is imported.

    A package that is not there has the version "not installed".
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def __getitem__(self, name: str) -> str:
        if name != "python" and name not in PACKAGES:
            raise KeyError(name)
        value = installed_version(name)
        self._trace.variable(f"versions.{name}", value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(("python", *PACKAGES))

    def __len__(self) -> int:
        return len(PACKAGES) + 1

    def __repr__(self) -> str:
        return repr(dict(self))


@cache
def installed_version(name: str) -> str:
    """The version of Python or of a package."""
    if name == "python":
        return ".".join(map(str, sys.version_info[:3]))
    from importlib import metadata  # slow to import, and most renders do not ask

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def standard_variables(trace: Trace, *, frozen: bool) -> dict[str, Any]:
    """The variables of one render; in a frozen one, host names are tokens."""

    def hostname() -> str:
        trace.volatile("hostname")
        return "${hostname}" if frozen else os.uname().nodename

    def uname() -> dict[str, str]:
        trace.volatile("uname")
        names = ("system", "node", "release", "version", "machine")
        facts = (f"${{uname.{name}}}" for name in names) if frozen else os.uname()
        return dict(zip(names, facts, strict=True))

    return {
        "hostname": Lazy(hostname),
        "uname": Lazy(uname),
        "versions": Lazy(lambda: Versions(trace)),
    }
