"""Show what the checkout's store and the user's cache hold: by kind of task, how much is shared,
how much is garbage. Only names and sizes are looked at.
"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from forgather.cli.amounts import show_counts, show_size
from forgather.cli.commands.store.places import cache_of, root_if_any, store_root
from forgather.cli.context import Context
from forgather.cli.output import say, to_json
from forgather.cli.parser import Parser, add_format_option

if TYPE_CHECKING:
    from forgather.make.upkeep.usage import Usage

SUMMARY = "show what the store and the cache hold"


def configure(parser: Parser) -> None:
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.upkeep.collection import CACHE_SECONDS, references_of, store_of
    from forgather.make.upkeep.garbage import Limits
    from forgather.make.upkeep.usage import total, usage

    root = root_if_any(context)
    cache = cache_of(root)
    store = None
    if root is not None:
        with references_of(root) as references:
            store = usage(store_of(root).root, references, Limits())
    elif cache is None:
        store_root(context)  # raises what is wrong
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
    say(
        f"    garbage: {show_size(waste.size)} in {show_counts(waste.entries, waste.blobs)}, {garbage}"
    )
    beside = ", ".join(f"{name} {show_size(size)}" for name, size in found.beside.items() if size)
    if beside:
        say(f"    beside it: {beside}")
