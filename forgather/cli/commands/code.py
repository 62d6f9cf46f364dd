"""Show Python code equivalent to a target: what building it would call, spelled out."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver
from forgather.cli.parser import Parser, add_output_options

DYNAMIC = True


def configure(parser: Parser) -> None:
    parser.add_argument(
        "--target", default="main", metavar="NAME", help="target to show (default: %(default)s)"
    )
    parser.add_argument(
        "--names",
        choices=("named", "required", "all"),
        default="named",
        help="which nodes get a variable: those with a name or used twice, only those used twice, "
        "or all (default: %(default)s)",
    )
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    from forgather.codegen.python import generate_code

    code = generate_code(context.target(args.target), name_policy=args.names)
    deliver(code, args, name=f"{context.stem}_code", suffix=".py")
    return 0
