"""Entry point of ``forgather``: global options, the command, its options, and how errors end.

Exit codes: 0 fine, 1 the project or the run is wrong, 2 wrong usage, 130 interrupted. What a user
can cause is a ForgatherError and is printed as a message; anything else is our bug and keeps its
traceback.
"""

from __future__ import annotations

import os
import sys
from argparse import Action
from collections.abc import Sequence

from forgather.cli import table
from forgather.cli.context import Context
from forgather.cli.output import report, say
from forgather.cli.parser import Parser, add_global_options
from forgather.errors import ForgatherError

WITH_VALUE = ("-p", "--project-dir", "-t", "--config-template")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the result is the exit code."""
    try:
        status = run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return status
    except ForgatherError as error:
        sys.stdout.flush()
        report(error)
        if "FORGATHER_DEBUG" in os.environ:
            import traceback

            traceback.print_exception(error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader has seen enough (``forgather tlist | head``). Python would complain again
        # while closing stdout, so it gets one that takes everything.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit as stop:  # argparse, after --help and --version
        return stop.code if isinstance(stop.code, int) else 0


def run(argv: list[str]) -> int:
    before, name, after = split(argv)
    context = Context()
    context.take_options(global_parser().parse(before))
    if context.interactive:
        return interactive(context)
    if name is None:
        say(global_parser().format_help())
        return 0
    return run_command(context, name, after)


def interactive(context: Context) -> int:
    from forgather.cli.shell import Shell

    os.chdir(context.start)
    Shell(main, context.config_template).cmdloop()
    return 0


def split(argv: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """Global options, the command, what belongs to the command."""
    index = 0
    while index < len(argv):
        if not argv[index].startswith("-"):
            return list(argv[:index]), argv[index], list(argv[index + 1 :])
        index += 2 if argv[index] in WITH_VALUE else 1
    return list(argv), None, []


def run_command(context: Context, name: str, argv: list[str]) -> int:
    command = table.load(name)
    if table.takes_raw_arguments(command):
        return command.run(context, argv)
    if table.takes_extra_arguments(command) and "--" in argv:
        at = argv.index("--")
        argv, context.extra = argv[:at], argv[at + 1 :]
    parser = command_parser(name, command)
    if table.takes_dynamic_arguments(command):
        from forgather.cli import dynamic

        dynamic.add_config_options(parser, context, argv)
    args = parser.parse(argv)
    context.take_options(args)
    if table.takes_dynamic_arguments(command):
        context.dynamic = parser_values(args)
    return command.run(context, args)


def parser_values(args) -> dict:
    """The values of options that the config defines."""
    return {
        name.removeprefix("dynamic:"): value
        for name, value in vars(args).items()
        if name.startswith("dynamic:")
    }


def command_parser(name: str, command: table.Command | None = None) -> Parser:
    """The parser of a command with the global options, without the options of a config."""
    command = command or table.load(name)
    parser = Parser(prog=f"forgather {name}", description=(command.__doc__ or "").strip())
    command.configure(parser)
    add_global_options(parser)
    return parser


def global_parser() -> Parser:
    width = max(map(len, table.SUMMARIES))
    commands = "\n".join(f"  {name:{width}}  {text}" for name, text in table.SUMMARIES.items())
    parser = Parser(
        prog="forgather",
        usage="forgather [-p DIR] [-t NAME] COMMAND [options]",
        description="Forgather compiles configs into artifacts: model code, datasets, trained models.",
        epilog=f"commands:\n{commands}\n\n'forgather COMMAND --help' shows the options of a command. "
        "With FORGATHER_DEBUG set,\nerrors show their Python traceback too.",
    )
    add_global_options(parser)
    parser.add_argument(
        "-i", "--interactive", action="store_true", help="start the interactive shell"
    )
    parser.add_argument("--version", action=Version, help="show the version and exit")
    return parser


class Version(Action):
    """``--version``; the package's metadata is read only when asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **keywords) -> None:
        super().__init__(option_strings, dest, nargs=0, **keywords)

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        from importlib.metadata import version

        say(f"forgather {version('forgather')}")
        parser.exit()
