"""Say why a task would run, down to the changed line; with ``--last``, why it ran when it ran last.

TARGET is a task (``train:tiny_llama``), a pattern (``train:tiny_llama@*``), a kind (``train``: that of the
selected config) or a config (its training, else the last thing that is made of it). Without TARGET, the
selected config is meant. Nothing is built. It says what ``doit why`` says, and works without a ``dodo.py``.
"""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser, add_format_option
from forgather.cli.tasks import build_root_of, config_id

if TYPE_CHECKING:
    from forgather.make.catalog import Catalog

LAST = ("train", "model", "dataset", "tokenizer", "graph")  # what a config is there for


def configure(parser: Parser) -> None:
    parser.add_argument("target", nargs="?", metavar="TARGET", help="a task, a kind or a config")
    parser.add_argument(
        "--last", action="store_true", help="why it ran last, not why it would run now"
    )
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.catalog import Catalog
    from forgather.make.reasons.ask import why

    catalog = Catalog(build_root_of(context))
    task = task_of(context, catalog, args.target)
    say(why(catalog, task, last=args.last, form=args.format))
    return 0


def task_of(context: Context, catalog: Catalog, name: str | None) -> str:
    """The task that ``name`` means: a task, a kind of the selected config, or a config."""
    from forgather.make.kinds import KINDS

    if name is not None and ":" in name:
        return name
    if name in KINDS:
        return f"{name}:{config_id(context)}"
    config = name or config_id(context)
    targets = catalog.targets(config)
    return next(targets[kind].name for kind in LAST if kind in targets)
