"""Serve an editor: diagnostics, definitions, hover and completion for templates, on stdin and stdout.

An editor starts this; docs/editors.md says how. It needs the extra "lsp". Nothing that a config names
is imported or run.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from contextlib import redirect_stdout

from forgather.cli.context import Context
from forgather.cli.parser import Parser
from forgather.errors import UsageError


def configure(parser: Parser) -> None:
    parser.add_argument(
        "--stdio", action="store_true", help="what it does anyway; editors like to say it"
    )


def run(context: Context, args: Namespace) -> int:
    try:
        from forgather.lsp.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise UsageError(
            f"the language server needs {error.name}, which is not installed",
            hint="pip install 'forgather[lsp]'",
        ) from error
    # The protocol has stdout for itself; whatever is printed by mistake goes to stderr.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as channel, redirect_stdout(sys.stderr):
        make_server().start_io(stdout=channel)
    return 0
