"""Make something again from its provenance, aside, and compare it file by file, to the bit.

PATH is what 'forgather provenance' takes. The sources are laid out as they were in a scratch checkout, each by
its digest: from the working tree, from what the store keeps, or from git. What PATH was made from is taken
from the store, unless --from-scratch is given; nothing is taken from a cache for PATH itself. A training
trains again. Exit code 0: equal; 1: it differs, or cannot be made again, and why.
"""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from forgather.cli.context import Context
from forgather.cli.origin import add_path_argument, find_origin
from forgather.cli.output import note, say, to_json
from forgather.cli.parser import Parser, add_format_option


def configure(parser: Parser) -> None:
    add_path_argument(parser)
    parser.add_argument(
        "--keep", metavar="DIR", help="make it in DIR, a new folder, and leave that there"
    )
    parser.add_argument(
        "--from-scratch", action="store_true", help="make what it was made from again, too"
    )
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.origin.compared import as_data, as_lines
    from forgather.make.origin.reproduce import reproduce, scratch_folder

    origins, origin = find_origin(context, args.path)
    build = origins.build
    for name in origin.altered(build.digests):
        what = ": what was made is compared" if name in origin.files else ""
        note(f"{name} was altered since it was made{what}")
    with scratch_folder(Path(args.keep) if args.keep else None) as folder:
        found = reproduce(build, origins.lineage, origin, folder, from_scratch=args.from_scratch)
        if args.format == "json":
            say(to_json(as_data(found, build.root)))
        else:
            say("\n".join(as_lines(found, build)))
    if args.keep:
        note(f"the checkout is in {args.keep}")
    return 0 if found.is_equal else 1
