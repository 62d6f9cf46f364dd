"""Train what a config describes, after building what it needs.

This drives the same build graph as ``doit train:...``: tokenizer, datasets and model package are
built when they are out of date, then the training starts (or goes on, where one was interrupted).
What follows ``--`` is given to torchrun in place of ``--standalone --nproc-per-node N``.
"""

from __future__ import annotations

import re
from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.parser import Parser
from forgather.errors import ProjectError, UsageError
from forgather.view.configs import config_meta

DYNAMIC = True
EXTRA = True
KIND = "type.training_script"


def configure(parser: Parser) -> None:
    parser.add_argument(
        "-d", "--devices", metavar="LIST", help="CUDA devices to use, such as 0,1 (default: all)"
    )
    parser.add_argument(
        "--executor", metavar="NAME", help="where to train: local or slurm (FORGATHER_EXECUTOR)"
    )
    parser.add_argument(
        "--detach",
        action="store_true",
        help="submit the training and what follows, and do not wait",
    )
    parser.add_argument(
        "--export",
        choices=("skypilot", "kubernetes"),
        help="train nothing: write the job as a file for this scheduler, and print its path",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print what would be built and the command that would run; change nothing",
    )


def run(context: Context, args: Namespace) -> int:
    if args.devices is not None and not re.fullmatch(r"[\w.:-]+(,[\w.:-]+)*", args.devices):
        raise UsageError(
            f"--devices {args.devices!r} is not a list of devices", hint="write for example -d 0,1"
        )
    require_kind(context, KIND, "training script")
    from forgather.make.train_command import run_train

    return run_train(
        context.project_dir,
        context.config_name,
        context.dynamic,
        args.devices,
        args.dry_run,
        context.extra,
        executor=args.executor,
        detach=args.detach,
        export=args.export,
    )


def require_kind(context: Context, kind: str, noun: str) -> dict:
    """The target ``meta`` of the selected config, which must be of this class."""
    config = context.config()
    meta = config_meta(config)
    found = str(meta.get("config_class") or "")
    if found == kind or found.startswith(kind + "."):
        return meta
    raise ProjectError(
        f"config {context.config_name!r} is not a {noun}: its meta.config_class is "
        f"{found or 'not set'}, expected {kind}",
        where=config.spans.get("meta.config_class") or config.spans.get("meta"),
        hint="'forgather ls --format json' shows the class of every config",
        code="FG510",
    )
