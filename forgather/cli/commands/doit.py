"""Run doit in the build root: ``forgather doit list --all``, ``info``, ``clean``, ``forget``, ``graph``.

For workspaces without a ``dodo.py``, and from any folder below one. What follows is doit's own command
line: ``forgather doit help``.
"""

from __future__ import annotations

from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser
from forgather.cli.tasks import build_root_of
from forgather.errors import UsageError

RAW = True


def configure(parser: Parser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT", help="a command line of doit")


def run(context: Context, argv: list[str]) -> int:
    if argv[:1] in (["--help"], ["-h"]):
        from forgather.cli.main import command_parser

        say(command_parser("doit").format_help())
        return 0
    if argv[:1] == ["tabcompletion"]:
        raise UsageError(
            "doit's completion is for a command of one word",
            hint="'forgather completion bash|zsh|fish' completes 'forgather doit', too",
        )
    from forgather.cli.commands.build import exit_code
    from forgather.make.front.run import run_doit
    from forgather.make.options import Options

    options = Options(command="forgather doit")
    return exit_code(run_doit(build_root_of(context), argv, options))
