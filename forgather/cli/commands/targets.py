"""List the targets of a config: the names that can be built from it, in document order."""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.errors import GraphError
from forgather.graph.plain import describe

DYNAMIC = True


def configure(parser: Parser) -> None:
    add_format_option(parser, "text", "json")
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    config = context.config()
    root = config.config
    if not isinstance(root, dict):
        raise GraphError(
            f"config {context.config_name!r} is not a mapping, so it has no named targets"
        )
    if args.format == "json":
        rows = [
            {
                "target": name,
                "value": describe(value),
                "file": span.path if (span := config.spans.get(name)) else None,
                "line": span.line if span else None,
            }
            for name, value in root.items()
        ]
        deliver(to_json(rows), args, name=f"{context.stem}_targets", suffix=".json")
    else:
        deliver("\n".join(root), args, name=f"{context.stem}_targets", suffix=".txt")
    return 0
