"""The table of commands: name, summary, module. Nothing is imported until a command is chosen."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from forgather.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from argparse import Namespace

    from forgather.cli.context import Context
    from forgather.cli.parser import Parser

SUMMARIES = {
    "blame": "show which template and line each line of the rendered config came from",
    "build": "bring artifacts up to date: tasks, kinds or patterns, as doit does",
    "cache": "share artifacts between checkouts and machines: serve, push, status",
    "check": "check configs without building anything",
    "code": "show Python code equivalent to a target",
    "completion": "print a completion script for bash, zsh or fish",
    "construct": "build a target and print it (runs the code that the config names)",
    "diff": "compare two configs, or two revisions of one, as graphs",
    "doit": "run doit in the build root: list, info, clean, forget, ignore, graph",
    "graph": "show the parsed config",
    "index": "show the project as markdown: README, templates, configs",
    "logs": "list, summarise, compare and plot training logs",
    "ls": "list the configs of a project",
    "lsp": "serve an editor: diagnostics, definitions, hover, completion",
    "meta": "show the project's meta config and its search path",
    "pp": "show the preprocessed config",
    "project": "create a project, add configs to it, show it",
    "provenance": "say where an artifact, a checkpoint or a run comes from",
    "store": "look after stored artifacts: du, gc, verify, path",
    "reproduce": "make an artifact again from its provenance, aside, and compare",
    "sweep": "list the variants of a config's sweep",
    "targets": "list the targets of a config",
    "tb": "run TensorBoard on the runs of a config",
    "tlist": "list all templates on the search path",
    "train": "train what a config describes, after building what it needs",
    "trefs": "show which templates a config is made of",
    "watch": "build again whenever a file is saved",
    "why": "say why a task would run, or why it ran last, down to the changed line",
    "ws": "create a workspace",
}


class Command(Protocol):
    """What a module under ``commands/`` offers. ``DYNAMIC``, ``EXTRA`` and ``RAW``
    may be left out; with ``RAW``, run() gets the words after the command instead of parsed ones."""

    __name__: str

    def configure(self, parser: Parser) -> None: ...

    def run(self, context: Context, args: Namespace) -> int: ...


def load(name: str) -> Command:
    """Import the module of one command."""
    if name not in SUMMARIES:
        raise UsageError(
            f"there is no command {name!r}", hint=did_you_mean(name, SUMMARIES), code="FG002"
        )
    return importlib.import_module(f"forgather.cli.commands.{name.replace('-', '_')}")


def takes_dynamic_arguments(command: Command) -> bool:
    return getattr(command, "DYNAMIC", False)


def takes_extra_arguments(command: Command) -> bool:
    return getattr(command, "EXTRA", False)


def takes_raw_arguments(command: Command) -> bool:
    return getattr(command, "RAW", False)
