"""Say where something comes from: config, templates, code, data, versions, git revision, command.

PATH is an artifact below ``build/``, a model directory, a checkpoint, a run or a file of one of them; a copy
of such a file anywhere else; or the digest of a file, or the key of an artifact (8 digits are enough). What
was altered since it was made is named.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.origin import add_path_argument, find_origin
from forgather.cli.output import say, to_json
from forgather.cli.parser import Parser, add_format_option


def configure(parser: Parser) -> None:
    add_path_argument(parser)
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.origin.described import as_data, as_lines

    origins, origin = find_origin(context, args.path)
    lineage, digests = origins.lineage, origins.build.digests
    if args.format == "json":
        say(to_json(as_data(origin, lineage, digests)))
    else:
        say("\n".join(as_lines(origin, lineage, digests)))
    return 0
