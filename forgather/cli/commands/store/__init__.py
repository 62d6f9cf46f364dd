"""Look after the store of a checkout and the cache of a user: what they hold, whether it is whole, what
can go, and where an artifact lies. docs/store.md tells how they work.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.commands.store import du, gc, path, verify
from forgather.cli.context import Context
from forgather.cli.parser import Parser, add_subcommands

ACTIONS = {"du": du, "gc": gc, "verify": verify, "path": path}


def configure(parser: Parser) -> None:
    actions = add_subcommands(parser)
    for name, action in ACTIONS.items():
        description = (action.__doc__ or "").strip()
        action.configure(actions.add_parser(name, help=action.SUMMARY, description=description))


def run(context: Context, args: Namespace) -> int:
    return ACTIONS[args.action].run(context, args)
