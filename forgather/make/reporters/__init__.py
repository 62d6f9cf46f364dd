"""How a build tells what it does: to a person, to a program, to GitHub, to a CI viewer.

doit loads every reporter whenever it runs anything, to list them. So these are only names; the module of
one is imported when it is chosen.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def _reporter(module: str, name: str, desc: str) -> type:
    """A class, as doit wants it, that makes instances of the class ``name`` in ``module``."""

    def make(cls: type, outstream: Any, options: dict[str, Any] | None = None) -> Any:
        return getattr(import_module(f"{__name__}.{module}"), name)(outstream, options)

    return type(name, (), {"__new__": make, "desc": desc})


Console = _reporter(
    "console", "Console", "what is built, and why; on a terminal with progress and time left"
)
Plain = _reporter("plain", "Plain", "what is built, and why, in plain lines")
JsonLines = _reporter("json_lines", "JsonLines", "one JSON object a line")
GitHub = _reporter("github", "GitHub", "GitHub Actions: annotations, groups and a step summary")
Changes = _reporter("changes", "Changes", "plain lines about what is not up to date")
JUnit = _reporter("junit", "JUnit", "JUnit XML")
