"""Argument parsing: argparse with our errors, and the options that several commands share.

Mistakes on the command line become :class:`UsageError` (exit code 2). Abbreviated options are
refused: a prefix that happens to match is how a mistyped option gets silently ignored.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from forgather.errors import Span, UsageError, nearest


class Parser(argparse.ArgumentParser):
    """``spans`` maps option strings that a config defines to the place where it does."""

    def __init__(self, **keywords) -> None:
        keywords.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**keywords, allow_abbrev=False, exit_on_error=False)
        self.spans: dict[str, Span] = {}

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        try:
            args, unknown = self.parse_known_args(argv)
        except argparse.ArgumentError as error:
            raise self._usage(str(error), argument=error.argument_name) from None
        if unknown:
            hint = nearest(unknown[0].partition("=")[0], self._options())
            raise self._usage(
                f"unrecognized arguments: {' '.join(unknown)}",
                hint=f"did you mean {hint!r}?" if hint else None,
            )
        return args

    def error(self, message: str):
        """Called by argparse itself, for a missing required argument for instance."""
        raise self._usage(message)

    def commands(self) -> Iterator[tuple[str, Parser]]:
        """The sub-commands, in the order they were added."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                yield from action.choices.items()

    def options(self) -> list[argparse.Action]:
        """Every option and positional argument, but not the sub-commands, in order."""
        return [a for a in self._actions if not isinstance(a, argparse._SubParsersAction)]

    def try_add(self, *names: str, **keywords) -> None:
        """Add an option under those of its names that are still free, if any is."""
        if free := [name for name in names if name not in self._option_string_actions]:
            self.add_argument(*free, **keywords)

    def _options(self) -> set[str]:
        return set(self._option_string_actions)

    def _usage(self, message: str, *, argument: str | None = None, hint: str | None = None):
        where = next(
            (self.spans[name] for name in (argument or "").split("/") if name in self.spans), None
        )
        hint = hint or f"see '{self.prog} --help'"
        return UsageError(f"{self.prog}: {message}", where=where, hint=hint)


def add_subcommands(parser: Parser, *, metavar: str = "ACTION"):
    """Sub-commands of a command (``logs list``); one of them must be given."""
    return parser.add_subparsers(
        dest="action", metavar=metavar, required=True, title="actions", parser_class=Parser
    )


def add_global_options(parser: Parser) -> None:
    """``-p``, ``-t``, ``--no-dyn`` after the command too, where the command has no such option.

    No default is set: what stands before the command holds unless it is given again.
    """
    group = {"default": argparse.SUPPRESS}
    parser.try_add(
        "-p",
        "--project-dir",
        metavar="DIR",
        help="project to work on, searched upwards from DIR (default: .)",
        **group,
    )
    parser.try_add(
        "-t",
        "--config-template",
        metavar="NAME",
        help="config to work on (default: the project's default config)",
        **group,
    )
    parser.try_add(
        "--no-dyn",
        action="store_true",
        help="do not read the options that the config defines",
        **group,
    )
    for _, child in parser.commands():
        add_global_options(child)


def add_output_options(parser: Parser) -> None:
    """``-o`` and ``-e``: where the text goes."""
    parser.add_argument(
        "-o", "--output-file", metavar="FILE", help="write to FILE instead of the terminal"
    )
    parser.add_argument(
        "-e",
        "--edit",
        action="store_true",
        help="write to a file under ./tmp and open it in an editor ($EDITOR, else vim)",
    )


def add_format_option(parser: Parser, *formats: str, default: str | None = None) -> None:
    parser.add_argument(
        "--format",
        choices=formats,
        default=default or formats[0],
        help="form of the output (default: %(default)s)",
    )
