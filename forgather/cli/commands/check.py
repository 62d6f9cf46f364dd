"""Check configs without building anything: the command for CI and pre-commit.

Renders and parses each config, then looks for overrides of blocks that no ancestor has, import specs
that lead nowhere and arguments that a constructor does not take. Nothing that a config names is
imported or run: signatures are read from source, and what source cannot tell is passed over. Without
CONFIG all projects of the workspace are checked. ``--strict`` also lists what is legal and sometimes a
slip (a key that comes twice), which does not change the exit code.
"""

from __future__ import annotations

from argparse import Namespace

from forgather.cli.context import Context
from forgather.cli.output import deliver
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.view.check.config import Job
from forgather.view.check.reports import FORMATS, render
from forgather.view.check.workspace import check_jobs, workspace_jobs


def configure(parser: Parser) -> None:
    parser.add_argument("configs", nargs="*", metavar="CONFIG", help="configs of the project")
    parser.add_argument("--strict", action="store_true", help="list keys that come twice, too")
    parser.add_argument(
        "-j", "--jobs", type=int, metavar="N", help="processes to use (default: one for each core)"
    )
    add_format_option(parser, *FORMATS)
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    jobs = _jobs(context, args)
    findings = check_jobs(jobs, args.jobs)
    report = render(args.format, findings, len(jobs))
    if report:
        suffix = {"text": ".txt", "github": ".txt"}.get(args.format, f".{args.format}")
        deliver(report, args, name="check", suffix=suffix)
    return int(any(finding.level == "error" for finding in findings))


def _jobs(context: Context, args: Namespace) -> list[Job]:
    if args.configs or context.config_template:
        names = args.configs or [context.config_template]
        return [Job(context.project_dir, name, args.strict) for name in names]
    return workspace_jobs(context.start, args.strict)
