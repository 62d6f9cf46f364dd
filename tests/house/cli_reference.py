"""Write ``docs/cli.md`` from the parsers of the command line, or check that it is in step.

``python -m tests.house.cli_reference`` writes it; with ``--check`` it only compares, exit code 1
when the page is stale.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Container, Iterator

from forgather.cli import table
from forgather.cli.main import command_parser, global_parser
from forgather.cli.parser import Parser
from tests.house.sources import ROOT

PAGE = ROOT / "docs" / "cli.md"
HEAD = """# Command line

<!-- Generated from the parsers by `python -m tests.house.cli_reference`; do not edit by hand. -->

`forgather [global options] COMMAND [options]`. The project is found by searching upwards from `-p`
(default: the current directory) for a `meta.yaml`. Exit codes: 0 fine, 1 the project or the run is
wrong, 2 wrong usage, 130 interrupted. Errors go to stderr and name the file and line to fix. Colour
is used only on terminals, and never when `NO_COLOR` is set.

Commands that read a config also take the options that the config itself defines (its target
`dynamic_args`); they are listed by `forgather -t CONFIG COMMAND --help`.
"""


def page() -> str:
    parts = [HEAD, "## Global options\n", _options(global_parser()), "## Commands\n"]
    parts.append("| command | what it does |\n|---|---|")
    parts += [f"| [`{name}`](#{name}) | {text} |" for name, text in table.SUMMARIES.items()]
    for name in table.SUMMARIES:
        parts += ["", *_section(command_parser(name), f"## {name}")]
    return "\n".join(parts) + "\n"


def _section(parser: Parser, title: str) -> Iterator[str]:
    yield f"{title}\n"
    if parser.description:
        yield parser.description.strip() + "\n"
    yield f"```\n{_usage(parser)}\n```\n"
    shared = {action.dest for action in global_parser().options()}
    if rows := _options(parser, without=shared):
        yield rows
    for name, child in parser.commands():
        yield from _section(child, f"### {title.lstrip('# ')} {name}")


def _usage(parser: Parser) -> str:
    """Not argparse's own, whose form differs between versions of Python."""
    words = [parser.prog, "[options]"]
    for action in parser.options():
        if not action.option_strings:
            name = str(action.metavar or action.dest)
            name = "|".join(map(str, action.choices)) if action.choices else name
            name += " ..." if action.nargs in ("*", "+") else ""
            words.append(f"[{name}]" if action.nargs in ("*", "?") else name)
        elif action.required:
            words.append(f"{action.option_strings[-1]} {action.metavar or action.dest.upper()}")
    words += ["|".join(name for name, _ in parser.commands())]
    return " ".join(filter(None, words))


def _options(parser: Parser, without: Container[str] = ()) -> str:
    """A table; empty where there is nothing to tell."""
    rows = []
    for action in parser.options():
        if action.help is argparse.SUPPRESS or action.dest in without:
            continue
        left = (
            ", ".join(f"`{name}`" for name in action.option_strings)
            or f"`{action.metavar or action.dest}`"
        )
        value = _value(action)
        rows.append(f"| {left}{value} | {_help(parser, action)} |")
    return "\n".join(["| option | meaning |", "|---|---|", *rows]) + "\n" if rows else ""


def _value(action: argparse.Action) -> str:
    if action.nargs == 0 or not action.option_strings:
        return ""
    if action.choices:
        return " `" + "\\|".join(map(str, action.choices)) + "`"
    return f" `{action.metavar or action.dest.upper()}`"


def _help(parser: Parser, action: argparse.Action) -> str:
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    return " ".join(text.split()).replace("|", "\\|")


def main(argv: list[str]) -> int:
    expected = page()
    if "--check" not in argv:
        PAGE.write_text(expected, encoding="utf-8")
        return 0
    found = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    difference = list(
        difflib.unified_diff(
            found.splitlines(),
            expected.splitlines(),
            "docs/cli.md",
            "the parsers",
            lineterm="",
            n=1,
        )
    )
    print("\n".join(difference), end="\n" if difference else "")
    return int(bool(difference))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
