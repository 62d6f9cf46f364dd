"""Print a completion script.

bash: ``source <(forgather completion bash)``; zsh: ``source <(forgather completion zsh)`` after
``compinit``; fish: ``forgather completion fish | source``. Put the line into your shell's start file.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli import table
from forgather.cli.completion import Entry, describe, render
from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser
from forgather.errors import UsageError


def configure(parser: Parser) -> None:
    parser.add_argument("shell", nargs="?", choices=("bash", "zsh", "fish"), help="your shell")
    parser.add_argument(
        "--configs", action="store_true", help="print the names of the project's configs instead"
    )
    parser.add_argument(
        "--targets", action="store_true", help="print the targets of the config instead"
    )
    parser.add_argument(
        "--tasks",
        nargs="?",
        const="",
        metavar="PREFIX",
        help="print the names of tasks that begin so: kinds, and after a colon those of the kind",
    )
    parser.add_argument(
        "--ids",
        nargs="?",
        const="",
        metavar="PREFIX",
        help="print the ids of configs that begin so",
    )


def run(context: Context, args: Namespace) -> int:
    if args.configs:
        from forgather.view.configs import config_names

        say("\n".join(config_names(context.meta)))
    elif args.targets:
        root = context.config().config
        say("\n".join(root) if isinstance(root, dict) else "")
    elif args.tasks is not None or args.ids is not None:
        say("\n".join(_task_names(context, args.tasks, args.ids)))
    elif args.shell:
        say(render(args.shell, _everything()))
    else:
        raise UsageError("which shell?", hint="forgather completion bash|zsh|fish")
    return 0


def _task_names(context: Context, tasks: str | None, ids: str | None) -> list[str]:
    from forgather.cli.tasks import build_root_of
    from forgather.make.names import config_ids, task_names

    root = build_root_of(context)
    found = [] if ids is None or ":" in ids else config_ids(root, ids)
    return found + ([] if tasks is None else task_names(root, tasks))


def _everything() -> Entry:
    from forgather.cli.main import command_parser, global_parser

    root = describe("forgather", "", global_parser())
    actions = tuple(
        describe(name, summary, command_parser(name)) for name, summary in table.SUMMARIES.items()
    )
    return Entry("forgather", "", root.options, actions)
