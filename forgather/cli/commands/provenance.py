"""Say where something comes from: config, templates, code, data, versions, git revision, command.

PATH is an artifact below ``build/``, a model directory, a checkpoint, a run or a file of one of them; a copy
of such a file anywhere else; or the digest of a file, or the key of an artifact (8 digits are enough). What
was altered since it was made is named.
"""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from forgather.cli.context import Context
from forgather.cli.output import say, to_json
from forgather.cli.parser import Parser, add_format_option


def configure(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="a file, a folder, or a digest")
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.catalog import Catalog
    from forgather.make.origin.described import as_data, as_lines
    from forgather.make.origin.origins import Origins, root_of

    path = Path(os.path.abspath(args.path))
    build = Catalog(root_of(path, Path(os.path.abspath(context.start)))).build
    origins = Origins(build)
    origin = origins.find(args.path, path)
    if args.format == "json":
        say(to_json(as_data(origin, origins.lineage, build.digests)))
    else:
        say("\n".join(as_lines(origin, origins.lineage, build.digests)))
    return 0
