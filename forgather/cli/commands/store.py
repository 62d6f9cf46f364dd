"""Look after the store of a checkout and the cache of a user: what they hold, whether it is whole, what
can go, and where an artifact lies. docs/store.md tells how they work.
"""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.cli.amounts import parse_age, parse_size, show_size
from forgather.cli.context import Context
from forgather.cli.output import say, to_json
from forgather.cli.parser import Parser, add_format_option, add_subcommands
from forgather.errors import BuildError, ProjectError, UsageError

if TYPE_CHECKING:
    from forgather.make.storage.disk_cache import DiskCache
    from forgather.make.upkeep.collection import Collected
    from forgather.make.upkeep.removal import Freed
    from forgather.make.upkeep.usage import Usage

BAD_OPTION = "FG631"
DAMAGED = "FG632"
NO_STORE = "FG633"


def configure(parser: Parser) -> None:
    actions = add_subcommands(parser)
    usage = actions.add_parser(
        "du",
        help="show what the store and the cache hold",
        description="Show what the checkout's store and the user's cache hold: by kind of task, how "
        "much is shared,\nhow much is garbage. Only names and sizes are looked at.",
    )
    add_format_option(usage, "text", "json")
    _configure_gc(
        actions.add_parser(
            "gc",
            help="remove what nothing refers to",
            description="Remove what no record, config, job or run refers to. Builds may go on "
            "meanwhile.\nTrained weights stay as long as a run has them.",
        )
    )
    verify = actions.add_parser(
        "verify",
        help="read everything and compare it with its digests",
        description="Read everything in the store, and what was published from it, and compare it with "
        "its digests.\nThe exit code is 1 where something is wrong.",
    )
    verify.add_argument(
        "--repair",
        action="store_true",
        help="remove what is damaged, or put it right, so that the next build sees to it",
    )
    verify.add_argument("--cache", action="store_true", help="verify the user's cache instead")
    path = actions.add_parser(
        "path",
        help="show where an artifact lies",
        description="Show where an artifact lies. TASK is a task that was built here, as "
        "train:tiny_llama, or the\nbeginning of a key or digest.",
    )
    path.add_argument("name", metavar="TASK", help="a task, or the beginning of a key or digest")
    path.add_argument("--key", action="store_true", help="show its action key instead")
    add_format_option(path, "text", "json")


def _configure_gc(parser: Parser) -> None:
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
        "--cache",
        action="store_true",
        help="collect the user's cache instead, by when its entries were used last",
    )


def run(context: Context, args: Namespace) -> int:
    return {"du": _du, "gc": _gc, "verify": _verify, "path": _path}[args.action](context, args)


# places


def _root(context: Context) -> Path:
    """The build root, which has a store. Raises ProjectError, or BuildError where nothing is built."""
    from forgather.cli.tasks import build_root_of
    from forgather.make.upkeep.collection import store_of

    root = build_root_of(context)
    if not (store_of(root).root / "ac").is_dir():
        raise BuildError(
            f"there is no store in {root / 'build'}", hint="build something first", code=NO_STORE
        )
    return root


def _cache(root: Path | None) -> DiskCache | None:
    """The user's cache, if there is one."""
    from forgather.make.cache.settings import CacheSettings
    from forgather.make.storage.disk_cache import DiskCache

    directory = CacheSettings.load(root=root).directory
    is_there = directory is not None and (directory / "ac").is_dir()
    return DiskCache(directory) if directory is not None and is_there else None


def _cache_alone(context: Context) -> DiskCache:
    cache = _cache(_root_if_any(context))
    if cache is None:
        raise UsageError(
            "there is no cache of the user",
            hint="it is made by the first build, unless FORGATHER_CACHE_DIR is off",
            code=BAD_OPTION,
        )
    return cache


def _root_if_any(context: Context) -> Path | None:
    """The build root with a store; None outside of a workspace, and where nothing is built."""
    try:
        return _root(context)
    except (ProjectError, BuildError):
        return None


# du


def _du(context: Context, args: Namespace) -> int:
    from forgather.make.upkeep.collection import CACHE_SECONDS, references_of, store_of
    from forgather.make.upkeep.garbage import Limits
    from forgather.make.upkeep.usage import total, usage

    root = _root_if_any(context)
    cache = _cache(root)
    store = None
    if root is not None:
        with references_of(root) as references:
            store = usage(store_of(root).root, references, Limits())
    elif cache is None:
        _root(context)  # raises what is wrong
    shared = usage(cache.root, None, Limits(older_than=CACHE_SECONDS)) if cache else None
    together = total(one for one in (store, shared) if one is not None)
    if args.format == "json":
        found = {"store": store, "cache": shared}
        shown = {name: one.to_json() if one else None for name, one in found.items()}
        say(to_json({**shown, "total": together}))
        return 0
    if store is not None:
        _show_usage("store", store, "which nothing refers to")
    if shared is not None:
        _show_usage("cache", shared, "not used for 30 days")
    if store is not None and shared is not None:
        say(f"together: {show_size(together)}, files that both have counted once")
    return 0


def _show_usage(title: str, found: Usage, garbage: str) -> None:
    say(f"{title}: {found.root}")
    for kind, (count, size) in found.kinds.items():
        say(f"    {kind:<12} {count:>7}  {show_size(size):>10}")
    say(f"    {'all':<12} {found.entries:>7}  {show_size(found.named):>10}")
    say(
        f"    on the disk: {show_size(found.stored)} in {found.blobs} blobs "
        f"({show_size(found.shared)} saved, for equal files are kept once)"
    )
    if found.elsewhere:
        say(
            f"    of it {show_size(found.elsewhere)} are files that have other names elsewhere, too"
        )
    say(f"    entries: {show_size(found.described)}")
    waste = found.garbage
    say(f"    garbage: {show_size(waste.size)} in {_counts(waste)}, {garbage}")
    beside = ", ".join(f"{name} {show_size(size)}" for name, size in found.beside.items() if size)
    if beside:
        say(f"    beside it: {beside}")


def _counts(freed: Freed) -> str:
    entries = "1 entry" if freed.entries == 1 else f"{freed.entries} entries"
    return f"{entries} and {freed.blobs} blob{'' if freed.blobs == 1 else 's'}"


# gc


def _gc(context: Context, args: Namespace) -> int:
    from forgather.make.upkeep.collection import CACHE_SECONDS, collect, references_of, store_of
    from forgather.make.upkeep.garbage import Limits

    age, size = args.older_than, args.max_size
    older_than = parse_age(age, "--older-than", BAD_OPTION) if age is not None else None
    max_size = parse_size(size, "--max-size", BAD_OPTION) if size is not None else None
    if args.cache:
        if older_than is None and max_size is None:
            older_than = CACHE_SECONDS
        cache = _cache_alone(context)
        done = collect(cache, Limits(older_than, max_size), dry_run=args.dry_run)
    else:
        root = _root(context)
        cache = store_of(root)
        with references_of(root) as references:
            limits = Limits(older_than, max_size)
            done = collect(cache, limits, references=references, dry_run=args.dry_run)
    _show_collected(cache.root, done, args.dry_run, max_size)
    return 0


def _show_collected(root: Path, done: Collected, dry_run: bool, max_size: int | None) -> None:
    freed = done.freed
    verb = "would remove" if dry_run else "removed"
    say(f"{verb} {_counts(freed)} from {root}: {show_size(freed.size)}")
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


# verify


def _verify(context: Context, args: Namespace) -> int:
    from forgather.make.state import State
    from forgather.make.upkeep.collection import store_of
    from forgather.make.upkeep.verify import Verification

    with ExitStack() as opened:
        if args.cache:
            verification = Verification(_cache_alone(context))
        else:
            root = _root(context)
            state = State(root / "build")
            opened.callback(state.close)
            records = {task: record for task in state.tasks() if (record := state.get(task))}
            shared = _cache(root)
            verification = Verification(
                store_of(root),
                root=root,
                records=records,
                others=[shared] if shared is not None else [],
            )
        problems = verification.problems()
        for problem in problems:
            say(str(problem))
        for line in verification.repair(problems) if args.repair else ():
            say(line)
    say(f"read {verification.files} files, {show_size(verification.read)}")
    if problems and not args.repair:
        count = f"{len(problems)} problems" if len(problems) > 1 else "one problem"
        raise BuildError(
            f"{count} in {verification.cache.root}",
            hint="forgather store verify --repair removes what is damaged; then build again",
            code=DAMAGED,
        )
    return 0


# path


def _path(context: Context, args: Namespace) -> int:
    from forgather.make.state import State
    from forgather.make.upkeep.collection import store_of
    from forgather.make.upkeep.locate import locate

    root = _root(context)
    state = State(root / "build")
    try:
        shared = _cache(root)
        layers = [store_of(root), *([shared] if shared is not None else [])]
        found = locate(args.name, root, state, layers)
    finally:
        state.close()
    if args.format == "json":
        say(to_json(found.to_json()))
    else:
        say(found.key if args.key else str(found.path))
    return 0
