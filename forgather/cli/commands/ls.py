"""List the configs of a project: name, title, description.

Every config is rendered and parsed, so this is also the quick check of a project. A broken config is
marked PARSE ERROR with its cause; the others are still listed, and the exit code is 1. Of a config
with a sweep the number of its variants is shown, and with ``--sweep`` each of them.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable

from forgather.cli.context import Context
from forgather.cli.output import note, paint, say, to_json
from forgather.cli.parser import Parser, add_format_option
from forgather.errors import ForgatherError, ProjectError
from forgather.view.configs import ConfigSummary, ProjectSummary, one_line
from forgather.view.parallel import summarise_projects
from forgather.workspace.find import find_projects

WIDTH = 30


def configure(parser: Parser) -> None:
    parser.add_argument("projects", nargs="*", metavar="PROJECT", help="project directories")
    parser.add_argument(
        "-r", "--recursive", action="store_true", help="all projects in all directories below"
    )
    parser.add_argument(
        "-d", "--debug", action="store_true", help="show the whole message of every broken config"
    )
    parser.add_argument("--sweep", action="store_true", help="list the variants of sweeps, too")
    add_format_option(parser, "text", "json")


def run(context: Context, args: Namespace) -> int:
    found = _projects(context, args)
    headed = args.recursive or len(found) > 1 or found[0] != os.path.abspath(".")
    summaries = map(_with_variants, summarise_projects(found))
    if args.format == "json":
        done = list(summaries)
        say(to_json([summary.to_json() for summary in done]))
    else:
        done = _show(summaries, headed, args.debug, args.sweep, alone=len(found) == 1)
    return int(any(summary.broken for summary in done))


def _projects(context: Context, args: Namespace) -> list[str]:
    if not args.recursive:
        if not args.projects:
            return [context.project_dir]
        return [os.path.abspath(_directory(path)) for path in args.projects]
    starts = args.projects or [context.start]
    found = [os.path.abspath(p) for start in starts for p in find_projects(_directory(start))]
    if not found:
        raise ProjectError(
            f"no project at or below {', '.join(map(os.path.abspath, starts))}",
            hint="a project is a directory with a meta.yaml",
            code="FG501",
        )
    return found


def _directory(path: str) -> str:
    if os.path.isdir(path):
        return path
    raise ProjectError(f"there is no directory {path}", code="FG501")


def _with_variants(summary: ProjectSummary) -> ProjectSummary:
    """The sweeps expanded; a config whose sweep is broken is a broken config."""
    if all(config.sweep is None for config in summary.configs):
        return summary
    from forgather.make.sweeps.sweep import sweep_of
    from forgather.make.sweeps.variants import spell

    configs = []
    for config in summary.configs:
        if config.sweep is not None:
            block, places = config.sweep
            try:
                sweep = sweep_of({"sweep": block}, places)
                assert sweep is not None
                config = config._replace(variants=tuple(map(spell, sweep.variants)))
            except ForgatherError as error:
                config = config._replace(error=error)
        configs.append(config)
    return summary._replace(configs=tuple(configs))


def _show(
    summaries: Iterable[ProjectSummary], headed: bool, debug: bool, sweeps: bool, *, alone: bool
) -> list[ProjectSummary]:
    done = []
    for summary in summaries:
        if alone and summary.error is not None:
            raise summary.error  # nothing else to list, so the whole message
        done.append(summary)
        if headed:
            say(f"\nProject Path: {summary.project_dir}\n\n")
        if summary.error is not None:
            say(f"{paint('PARSE ERROR', 'red')} : {one_line(summary.error)}")
            _debug(summary.error, debug)
            continue
        say(f"{paint(summary.name, 'bold')} : {summary.description}")
        for config in summary.configs:
            say(_line(config))
            for variant in config.variants if sweeps else ():
                say(f"        @{variant}")
            _debug(config.error, debug)
    return done


def _line(config: ConfigSummary) -> str:
    name = f"[{config.name}]" if config.is_default else config.name
    if config.error is not None:
        return f"    {name:{WIDTH}} {paint('PARSE ERROR', 'red')} : {one_line(config.error)}"
    line = f"    {name:{WIDTH}} {config.title} : {config.description}".rstrip(" :")
    return f"{line} (sweep: {len(config.variants)} variants)" if config.variants else line


def _debug(error: ForgatherError | None, debug: bool) -> None:
    if debug and error is not None:
        note(error.render())
