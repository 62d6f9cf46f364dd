"""Show which template and line each line of the rendered config came from.

With ``--block NAME``: which templates define or override that block, in order, the one that wins last.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.view.blame import annotate, block_history, lines_as_data

DYNAMIC = True


def configure(parser: Parser) -> None:
    parser.add_argument("--block", metavar="NAME", help="show the history of one block instead")
    add_format_option(parser, "text", "json")
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    config = context.config()
    if args.block is not None:
        data = block_history(config.rendered, args.block)
        text = "\n".join(f"{step['place']}: {step['what']}" for step in data)
    else:
        data = lines_as_data(str(config.pp_config), config.source_map)
        text = annotate(str(config.pp_config), config.source_map)
    if args.format == "json":
        deliver(to_json(data), args, name=f"{context.stem}_blame", suffix=".json")
    else:
        deliver(text, args, name=f"{context.stem}_blame", suffix=".txt")
    return 0
