"""Show the project's meta config: its templates, and the directories that are searched."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.view.index import meta_data, meta_markdown


def configure(parser: Parser) -> None:
    add_format_option(parser, "md", "json")
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    if args.format == "json":
        deliver(to_json(meta_data(context.meta)), args, name="meta", suffix=".json")
    else:
        deliver(meta_markdown(context.meta), args, name="meta", suffix=".md")
    return 0
