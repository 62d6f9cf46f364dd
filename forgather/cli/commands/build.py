"""Bring artifacts up to date: ``forgather build train:tiny_llama model:llama/4M``, ``forgather build pp``.

A TARGET is a task (``KIND:ID``), a kind (of every config below the build root), a pattern
(``pp:tiny_llama/*``) or a task of a ``dodo.py``. With ``-t``, a kind means that of this config. Without
TARGETs, configs are rendered and compiled: ``pp graph``. It is what ``doit TARGET...`` does, and works
anywhere below a workspace, with a ``dodo.py`` and without.
"""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from forgather.cli.context import Context
from forgather.cli.parser import Parser
from forgather.cli.tasks import build_root_of, task_names
from forgather.errors import ForgatherError

DEFAULT = ("pp", "graph")
REPORTERS = ("forgather", "plain", "changes", "json", "github", "junit")


def configure(parser: Parser) -> None:
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="tasks, kinds or patterns")
    parser.add_argument(
        "-n", "--jobs", type=int, default=0, metavar="N", help="run N steps at once (default: one)"
    )
    parser.add_argument(
        "-a", "--always", action="store_true", help="run the steps even where nothing changed"
    )
    parser.add_argument(
        "-c",
        "--continue",
        dest="go_on",
        action="store_true",
        help="go on after a failure with what does not depend on it",
    )
    parser.add_argument(
        "--reporter",
        choices=REPORTERS,
        default=REPORTERS[0],
        help="how progress and results are told (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output-file", metavar="FILE", help="write the report to FILE, not the terminal"
    )
    parser.add_argument(
        "--executor", metavar="NAME", help="where to train: local or slurm (FORGATHER_EXECUTOR)"
    )
    parser.add_argument(
        "--detach", action="store_true", help="hand trainings to the cluster and do not wait"
    )


def run(context: Context, args: Namespace) -> int:
    from forgather.launch.executors import check_executor
    from forgather.make.front.run import run_doit, tell_refusal
    from forgather.make.options import Options

    options = Options(command="forgather build")
    options.executor = check_executor(args.executor or options.executor)
    options.detach = args.detach or options.detach
    root = build_root_of(context)
    names = list(args.targets)
    if not names and (context.config_template or not _has_dodo(root)):
        names = list(DEFAULT)
    names = task_names(context, names)
    try:
        return exit_code(run_doit(root, [*_run_options(args), *names], options))
    except ForgatherError as error:
        tell_refusal(root, args.reporter, args.output_file, error)
        raise


def _has_dodo(root: Path) -> bool:
    """Then its DOIT_CONFIG says what is built by default."""
    return (root / "dodo.py").is_file()


def _run_options(args: Namespace) -> list[str]:
    found = ["run", "--reporter", args.reporter]
    if args.jobs:
        found += ["-n", str(args.jobs)]
    if args.output_file:
        found += ["-o", os.path.abspath(args.output_file)]
    found += ["--always"] if args.always else []
    return [*found, "--continue"] if args.go_on else found


def exit_code(code: int) -> int:
    """doit's 2 (an error in a step) and 3 (it could not start) are 1 here."""
    return 1 if code in (2, 3) else code
