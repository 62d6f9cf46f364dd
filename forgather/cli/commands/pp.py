"""Show the preprocessed config: the YAML text that the templates make.

Nothing that the config names is imported or run. What is printed is the config and nothing else, so it
can be fed to other tools.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, note
from forgather.cli.parser import Parser, add_output_options

DYNAMIC = True


def configure(parser: Parser) -> None:
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "-d",
        "--debug",
        action="store_true",
        help="first show every template after translation of line statements and blocks",
    )
    shown.add_argument(
        "--annotate", action="store_true", help="put the template and line before each line"
    )
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    config = context.config()
    for warning in config.warnings:
        note(warning.render().replace("error[", "warning[", 1))
    text = str(config.pp_config)
    if args.annotate or args.debug:
        from forgather.view.blame import annotate, translations
    if args.annotate:
        text = annotate(text, config.source_map)
    elif args.debug:
        text = f"{translations(config.rendered)}\n{text}"
    deliver(text, args, name=f"{context.stem}_pp", suffix=".yaml")
    return 0
