"""Show which templates a config is made of.

The config is rendered, so references that are computed are followed too. files: one path a line; md
and tree: who refers to whom, each template once; dot: a graph for Graphviz; svg: that graph drawn by
Graphviz' ``dot``.
"""

from __future__ import annotations

import subprocess
from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.errors import UsageError
from forgather.view import trefs

SUFFIXES = {
    "files": ".txt",
    "md": ".md",
    "tree": ".txt",
    "dot": ".dot",
    "svg": ".svg",
    "json": ".json",
}


def configure(parser: Parser) -> None:
    add_format_option(parser, *SUFFIXES)
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    root = trefs.reference_tree(context.config().rendered)
    title = f"{context.config_name} in {context.meta.name}"
    render = {
        "files": lambda: "\n".join(trefs.files(root)),
        "md": lambda: trefs.markdown(root),
        "tree": lambda: trefs.tree(root, title),
        "dot": lambda: trefs.dot(root, title),
        "svg": lambda: _svg(trefs.dot(root, title)),
        "json": lambda: to_json(trefs.as_data(root)),
    }[args.format]
    deliver(render(), args, name=f"{context.stem}_trefs", suffix=SUFFIXES[args.format])
    return 0


def _svg(graph: str) -> str:
    try:
        done = subprocess.run(
            ["dot", "-Tsvg"], input=graph, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UsageError(
            "--format svg needs Graphviz, and there is no program 'dot'",
            hint="install Graphviz, or use --format dot",
        ) from None
    if done.returncode:
        raise UsageError(f"dot: {done.stderr.strip()}")
    return done.stdout
