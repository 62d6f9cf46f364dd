"""Run TensorBoard on the runs of a config. What follows ``--`` is given to TensorBoard."""

from __future__ import annotations

import os
import shlex
import subprocess
from argparse import Namespace

from forgather.cli.commands.train import KIND, require_kind
from forgather.cli.context import Context
from forgather.cli.output import say
from forgather.cli.parser import Parser
from forgather.errors import ProjectError, UsageError

DYNAMIC = True
EXTRA = True


def configure(parser: Parser) -> None:
    parser.add_argument(
        "--all", action="store_true", help="watch all models of the project, not only this config's"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the command, do not run it")


def run(context: Context, args: Namespace) -> int:
    meta = require_kind(context, KIND, "training script")
    key = "models_dir" if args.all else "output_dir"
    if not meta.get(key):
        raise ProjectError(
            f"the target 'meta' of config {context.config_name!r} has no {key!r}", code="FG510"
        )
    folder = os.path.join(context.project_dir, str(meta[key]))
    command = ["tensorboard", "--logdir", os.path.abspath(folder), *context.extra]
    say(shlex.join(command))
    if args.dry_run:
        return 0
    try:
        return int(subprocess.run(command, check=False).returncode != 0)
    except FileNotFoundError:
        raise UsageError("tensorboard is not installed", hint="pip install tensorboard") from None
