"""Read everything in the store, and what was published from it, and compare it with its digests.
The exit code is 1 where something is wrong.
"""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack

from forgather.cli.amounts import show_size
from forgather.cli.commands.store.places import cache_alone, cache_of, store_root
from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser
from forgather.errors import BuildError

SUMMARY = "read everything and compare it with its digests"
DAMAGED = "FG632"


def configure(parser: Parser) -> None:
    parser.add_argument(
        "--repair",
        action="store_true",
        help="remove what is damaged, or put it right, so that the next build sees to it",
    )
    parser.add_argument("--cache", action="store_true", help="verify the user's cache instead")


def run(context: Context, args: Namespace) -> int:
    from forgather.make.state import State
    from forgather.make.upkeep.collection import store_of
    from forgather.make.upkeep.verify import Verification

    with ExitStack() as opened:
        if args.cache:
            verification = Verification(cache_alone(context))
        else:
            root = store_root(context)
            state = State(root / "build")
            opened.callback(state.close)
            records = {task: record for task in state.tasks() if (record := state.get(task))}
            shared = cache_of(root)
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
