"""Remove what no record, config, job or run refers to. Builds may go on meanwhile.
Trained weights stay as long as a run has them.
"""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.cli.amounts import parse_age, parse_size, show_counts, show_size
from forgather.cli.commands.store.places import BAD_OPTION, cache_alone, store_root
from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser
from forgather.errors import UsageError
from forgather.words import counted

if TYPE_CHECKING:
    from forgather.make.upkeep.collection import Collected

SUMMARY = "remove what nothing refers to"


def configure(parser: Parser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="remove nothing, say what would be removed"
    )
    parser.add_argument(
        "--older-than",
        metavar="AGE",
        help="remove only what was not used for so long, as 12h or 30d (with --cache: 30d)",
    )
    parser.add_argument(
        "--max-size",
        metavar="SIZE",
        help="remove only until the rest is no larger, what was used longest ago first, as 20G",
    )
    parser.add_argument(
        "--gone",
        action="store_true",
        help="also what was built for configs that are no longer there, except trainings",
    )
    parser.add_argument(
        "--cache",
        action="store_true",
        help="collect the user's cache instead, by when its entries were used last",
    )


def run(context: Context, args: Namespace) -> int:
    from forgather.make.upkeep.collection import CACHE_SECONDS, collect, references_of, store_of
    from forgather.make.upkeep.garbage import Limits

    age, size = args.older_than, args.max_size
    older_than = parse_age(age, "--older-than", BAD_OPTION) if age is not None else None
    max_size = parse_size(size, "--max-size", BAD_OPTION) if size is not None else None
    if args.cache and args.gone:
        raise UsageError(
            "--gone is about a checkout, and --cache is not", hint="leave one out", code=BAD_OPTION
        )
    if args.cache:
        if older_than is None and max_size is None:
            older_than = CACHE_SECONDS
        cache = cache_alone(context)
        done = collect(cache, Limits(older_than, max_size), dry_run=args.dry_run)
    else:
        root = store_root(context)
        cache = store_of(root)
        without = _collect_gone(root, args.dry_run) if args.gone else ()
        with references_of(root, without) as references:
            limits = Limits(older_than, max_size)
            done = collect(cache, limits, references=references, dry_run=args.dry_run)
    _show_collected(cache.root, done, args.dry_run, max_size)
    return 0


def _collect_gone(root: Path, dry_run: bool) -> Container[str]:
    """Remove what was built for configs that are gone. Tasks whose records would not be there now."""
    from forgather.make.upkeep.gone import find_gone, remove_gone

    gone = find_gone(root)
    if not dry_run:
        remove_gone(root, gone)
    verb = "would forget" if dry_run else "forgot"
    tasks, configs = counted(len(gone.records), "task"), counted(len(gone.configs), "config")
    say(
        f"{verb} {tasks} of {configs} that are no longer there: {show_size(gone.size)} below build/"
    )
    for config in gone.configs:
        say(f"    {config}")
    return gone.records if dry_run else ()


def _show_collected(root: Path, done: Collected, dry_run: bool, max_size: int | None) -> None:
    freed = done.freed
    verb = "would remove" if dry_run else "removed"
    found = show_counts(freed.entries, freed.blobs)
    say(f"{verb} {found} from {root}: {show_size(freed.size)}")
    if freed.linked:
        say(f"    {show_size(freed.linked)} more stay on the disk under other names")
    if freed.spared:
        say(f"    {freed.spared} entries came into use meanwhile and stay")
    counts = Counter(one.kind for one in done.left)
    for kind in sorted(counts):
        size = sum(one.size for one in done.left if one.kind == kind)
        say(f"{verb} {counts[kind]} {kind}: {show_size(size)}")
    say(f"{show_size(done.size)} {'would stay' if dry_run else 'stay'}")
    if max_size is not None and done.size > max_size:
        say("    that is more than --max-size: the rest is referred to")
