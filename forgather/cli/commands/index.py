"""Show the project as markdown: README, meta config, configs."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.view.index import index_data, index_markdown


def configure(parser: Parser) -> None:
    add_format_option(parser, "md", "json")
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    if args.format == "json":
        deliver(to_json(index_data(context.meta)), args, name="index", suffix=".json")
    else:
        deliver(index_markdown(context.meta), args, name="index", suffix=".md")
    return 0
