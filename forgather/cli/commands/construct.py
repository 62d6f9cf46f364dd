"""Build a target and print it. Unlike the other commands that look at a config, this one imports and
runs the code that the config names."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver
from forgather.cli.parser import Parser, add_output_options
from forgather.errors import UsageError

DYNAMIC = True


def configure(parser: Parser) -> None:
    parser.add_argument(
        "--target", default="main", metavar="NAME", help="target to build (default: %(default)s)"
    )
    parser.add_argument(
        "--call", action="store_true", help="call what was built, without arguments, and print that"
    )
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    from pprint import pformat

    context.target(args.target)  # a name that does not exist is told before anything runs
    built = context.project()(args.target)
    if args.call:
        if not callable(built):
            raise UsageError(
                f"--call: target {args.target!r} is a {type(built).__name__}, which is not callable"
            )
        built = built()
    deliver(pformat(built), args, name=f"{context.stem}_construct", suffix=".txt")
    return 0
