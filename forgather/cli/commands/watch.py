"""Build again whenever a file is saved: ``forgather -t my_config.yaml watch``, ``forgather watch tiny_llama``.

A TARGET is a config by its id (its text, its graph and, where it has one, its model package), or a task
(``train:tiny_llama``). Without one, the selected config is meant. Files are those that the build read,
looked for in vain or listed. Each round says what changed, and what is wrong in which line. Ctrl-C ends.
"""

from __future__ import annotations

import sys
from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import note, say
from forgather.cli.parser import Parser
from forgather.cli.tasks import build_root_of
from forgather.errors import ProjectError

SHORTEST = 0.05  # seconds between two looks


def configure(parser: Parser) -> None:
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="configs or tasks")
    parser.add_argument(
        "--interval",
        type=float,
        default=0.3,
        metavar="SECONDS",
        help="time between looks at the files (default: %(default)s)",
    )


def run(context: Context, args: Namespace) -> int:
    from forgather.make.watching.messages import CONFIG, Wanted
    from forgather.make.watching.watch import Watch

    names = [name if _is_task(name) else f"{CONFIG}{name}" for name in args.targets or [""]]
    wanted = Wanted(names, _project(context, must_be=not args.targets), context.config_template)
    try:
        return Watch(build_root_of(context), wanted, max(args.interval, SHORTEST), _say).run()
    except KeyboardInterrupt:
        note("stopped")
        return 0


def _say(line: str) -> None:
    """At once: what runs in between writes to the terminal, too."""
    say(line)
    sys.stdout.flush()


def _is_task(name: str) -> bool:
    from forgather.make.kinds import KINDS

    return ":" in name or name in KINDS


def _project(context: Context, *, must_be: bool) -> str:
    """The selected project, where there is one; its meta.yaml may be broken at the moment."""
    from forgather.workspace.find import find_project_dir

    try:
        return find_project_dir(context.start)
    except ProjectError:
        if must_be:
            raise
        return ""
