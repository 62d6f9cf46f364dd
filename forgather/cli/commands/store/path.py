"""Show where an artifact lies. TASK is a task that was built here, as train:tiny_llama, or the
beginning of a key or digest.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.commands.store.places import cache_of, store_root
from forgather.cli.context import Context
from forgather.cli.output import say, to_json
from forgather.cli.parser import Parser, add_format_option

SUMMARY = "show where an artifact lies"


def configure(parser: Parser) -> None:
    parser.add_argument("name", metavar="TASK", help="a task, or the beginning of a key or digest")
    parser.add_argument("--key", action="store_true", help="show its action key instead")
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.state import State
    from forgather.make.upkeep.collection import store_of
    from forgather.make.upkeep.locate import locate

    root = store_root(context)
    state = State(root / "build")
    try:
        shared = cache_of(root)
        layers = [store_of(root), *([shared] if shared is not None else [])]
        found = locate(args.name, root, state, layers)
    finally:
        state.close()
    if args.format == "json":
        say(to_json(found.to_json()))
    else:
        say(found.key if args.key else str(found.path))
    return 0
