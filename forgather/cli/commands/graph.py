"""Show the parsed config: the graph of nodes that the text describes.

yaml: as a config without templates; none: only check that it parses; repr: the nodes as Python
prints them; fconfig: indented dump; python: code of the target ``main``; json: the compiled form
that the build reads.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from forgather.cli.context import Context
from forgather.cli.output import deliver
from forgather.cli.parser import Parser, add_format_option, add_output_options

DYNAMIC = True


def configure(parser: Parser) -> None:
    add_format_option(parser, *FORMATS)
    parser.add_argument(
        "-d", "--debug", action="store_true", help="show the preprocessed text before the graph"
    )
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    config = context.config()
    suffix, render = FORMATS[args.format]
    text = render(context, config.config)
    if args.debug:
        text = f"{config.pp_config.with_line_numbers(True)}\n\n{text}"
    if text:
        deliver(text, args, name=f"{context.stem}_graph", suffix=suffix)
    return 0


def _yaml(context: Context, root: Any) -> str:
    from forgather.codegen.yaml import to_yaml

    return to_yaml(root)


def _none(context: Context, root: Any) -> str:
    return ""


def _repr(context: Context, root: Any) -> str:
    from pprint import pformat

    return pformat(root, width=100, sort_dicts=False)


def _fconfig(context: Context, root: Any) -> str:
    from forgather.graph.show import fconfig

    return fconfig(root)


def _python(context: Context, root: Any) -> str:
    from forgather.codegen.python import generate_code

    return generate_code(context.target("main"))


def _json(context: Context, root: Any) -> str:
    import json

    from forgather.cli.output import to_json
    from forgather.graph.serial import dumps

    return to_json(json.loads(dumps(root)))


FORMATS: dict[str, tuple[str, Callable[[Context, Any], str]]] = {
    "yaml": (".yaml", _yaml),
    "none": (".txt", _none),
    "repr": (".txt", _repr),
    "fconfig": (".txt", _fconfig),
    "python": (".py", _python),
    "json": (".json", _json),
}
