"""List all templates on the search path.

files: one path a line, in search order (``forgather tlist | xargs grep WORD``); md: the forest of
inheritance, each template under the one that it extends. A template whose parent is computed while
rendering (``-- extends ns.trainer_class``) is a root of the forest.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.view.templates import all_templates, forest_markdown, template_data


def configure(parser: Parser) -> None:
    add_format_option(parser, "files", "md", "json")
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    templates = all_templates(context.meta)
    if args.format == "json":
        deliver(to_json(template_data(templates)), args, name="tlist", suffix=".json")
    elif args.format == "md":
        deliver(forest_markdown(templates), args, name="tlist", suffix=".md")
    else:
        paths = dict.fromkeys(template.relative_path for template in templates)
        deliver("\n".join(paths), args, name="tlist", suffix=".txt")
    return 0
