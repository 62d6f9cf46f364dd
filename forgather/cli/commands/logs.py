"""List, summarise, compare and plot training logs, those of live and killed runs too.

Without a path the latest log of the project is used; a path is a trainer_logs.json or a run directory.
"""

from __future__ import annotations

import os
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.cli.context import Context
from forgather.cli.output import deliver, note, report, say, to_json
from forgather.cli.parser import Parser, add_format_option, add_subcommands
from forgather.errors import ForgatherError, RunError, UsageError

if TYPE_CHECKING:
    from forgather.ml.analysis import TrainingLog

SUMMARY_SUFFIXES = {"text": ".txt", "json": ".json", "md": ".md", "one-line": ".txt"}
TABLE_SUFFIXES = {"text": ".txt", "md": ".md", "csv": ".csv", "json": ".json"}
PLOT_FORMATS = ("png", "svg", "pdf")


def configure(parser: Parser) -> None:
    actions = add_subcommands(parser)
    listing = actions.add_parser(
        "list", help="list the logs", description="List the project's logs, latest first."
    )
    add_format_option(listing, "text", "json")
    _configure_summary(
        actions.add_parser(
            "summary",
            help="statistics of runs",
            description="Losses, speed, gradient norms and learning rate of one run or several.",
        )
    )
    _configure_table(
        actions.add_parser(
            "table",
            help="runs side by side, as those of a sweep",
            description="One line for each run: the variables it was given, and its losses. Without "
            "a path all runs of the project; with -t those of this config and its variants.",
        )
    )
    _configure_plot(
        actions.add_parser(
            "plot",
            help="plot runs",
            description="Plot metrics of one run or several into a file below ./tmp, or -o.",
        )
    )


def _configure_summary(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="logs (default: the latest)")
    parser.add_argument("--all", action="store_true", help="all logs of the project")
    add_format_option(parser, *SUMMARY_SUFFIXES)
    _add_output(parser, "write to FILE instead of the terminal")


def _configure_table(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="logs (default: all)")
    parser.add_argument(
        "--sort", metavar="COLUMN", help="measure or variable to sort by (default: best_eval_loss)"
    )
    parser.add_argument("--reverse", action="store_true", help="the highest first")
    parser.add_argument(
        "--latest", action="store_true", help="of each output directory only the latest run"
    )
    add_format_option(parser, *TABLE_SUFFIXES)
    _add_output(parser, "write to FILE instead of the terminal")


def _configure_plot(parser: Parser) -> None:
    parser.add_argument("paths", nargs="*", metavar="PATH", help="logs (default: the latest)")
    parser.add_argument(
        "--compare", nargs="+", default=[], metavar="PATH", help="logs to plot together"
    )
    parser.add_argument(
        "--labels", nargs="+", metavar="NAME", help="names of the runs in the legend"
    )
    parser.add_argument(
        "--loss-curves",
        action="store_true",
        help="losses of training and evaluation, with the learning rate",
    )
    parser.add_argument(
        "--metrics",
        metavar="A,B",
        help="metrics to plot (default: loss,eval_loss,learning_rate)",
    )
    parser.add_argument(
        "--x-axis", choices=("step", "epoch", "time"), default="step", help="x axis"
    )
    parser.add_argument(
        "--smooth", type=int, metavar="N", help="average over N records; the raw curve stays faint"
    )
    parser.add_argument("--log-scale", action="store_true", help="logarithmic y axis")
    parser.add_argument("--title", help="title of the picture")
    parser.add_argument(
        "--format", choices=PLOT_FORMATS, help="kind of picture (default: png, or as -o ends)"
    )
    _add_output(parser, "write to FILE")


def _add_output(parser: Parser, text: str) -> None:
    parser.add_argument(
        "-o", "--output", "--output-file", dest="output_file", metavar="FILE", help=text
    )
    parser.add_argument("-e", "--edit", action="store_true", help="open the file in the editor")


def run(context: Context, args: Namespace) -> int:
    actions = {"list": _list, "summary": _summary, "table": _compare, "plot": _plot}
    return actions[args.action](context, args)


def _project_logs(context: Context) -> list[Path]:
    from forgather.ml.analysis import find_log_files

    return find_log_files(context.project_dir)


def _latest(context: Context) -> list[str]:
    found = _project_logs(context)
    if not found:
        raise _no_logs(context)
    return [str(found[0])]


def _no_logs(context: Context) -> RunError:
    of = f" of {context.config_template}" if context.config_template else ""
    return RunError(
        f"there are no training logs{of} in {context.project_dir}",
        hint="a training writes output_models/<model>/runs/<run>/trainer_logs.json",
    )


def _list(context: Context, args: Namespace) -> int:
    rows = []
    for path in _project_logs(context):
        run_dir = path.parent
        rows.append(
            {
                "name": f"{run_dir.parent.parent.name}/{run_dir.name}",
                "path": str(path),
                "modified": time.strftime(
                    "%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime)
                ),
                "bytes": path.stat().st_size,
            }
        )
    if args.format == "json":
        say(to_json(rows))
        return 0
    if not rows:
        say("No training logs found.")
        return 0
    say(f"Found {len(rows)} training log(s):")
    for number, row in enumerate(rows, 1):
        say(f"\n{number:3}. {row['name']}")
        say(f"     Path: {os.path.relpath(row['path'])}")
        say(f"     Modified: {row['modified']}")
    return 0


def _summary(context: Context, args: Namespace) -> int:
    from forgather.ml.analysis import TrainingLog, compute_summary_statistics, format_summaries

    if args.all and args.paths:
        raise UsageError("give --all or paths, not both")
    paths = list(map(str, _project_logs(context))) if args.all else args.paths
    summaries, failed = [], 0
    for path in paths or _latest(context):
        try:
            summaries.append(compute_summary_statistics(TrainingLog.from_file(path)))
        except ForgatherError as error:
            report(error)
            failed += 1
    if summaries:
        text = format_summaries(summaries, args.format)
        suffix = SUMMARY_SUFFIXES[args.format]
        deliver(text, args, name=f"{_prefix(context)}summary", suffix=suffix)
    return int(failed > 0)


def _compare(context: Context, args: Namespace) -> int:
    from forgather.ml.analysis import TrainingLog, compare_runs, format_rows, sort_rows

    paths = args.paths or _logs_of_config(context)
    if not paths:
        raise _no_logs(context)
    logs, failed = [], 0
    for path in paths:
        try:
            logs.append(TrainingLog.from_file(path))
        except ForgatherError as error:
            report(error)
            failed += 1
    if args.latest:
        logs = _latest_of_each(logs)
    rows = sort_rows(compare_runs(logs), args.sort, descending=args.reverse)
    if rows:
        text = format_rows(rows, args.format)
        deliver(text, args, name=f"{_prefix(context)}table", suffix=TABLE_SUFFIXES[args.format])
    return int(failed > 0)


def _logs_of_config(context: Context) -> list[Path]:
    """The project's logs; with -t those in the config's output directory, and its variants'."""
    found = _project_logs(context)
    if not context.config_template:
        return found
    from forgather.view.configs import config_meta

    output = config_meta(context.config()).get("output_dir")
    if not output:
        return []
    folder = Path(output).absolute()
    beside = f"{folder.name}@"
    return [
        path
        for path in found
        for place in [path.parents[2]]
        if place == folder or (place.parent == folder.parent and place.name.startswith(beside))
    ]


def _latest_of_each(logs: list[TrainingLog]) -> list[TrainingLog]:
    newest: dict[Path, TrainingLog] = {}
    for log in sorted(logs, key=lambda log: log.started or 0.0):
        assert log.path is not None
        newest[log.path.absolute().parents[2]] = log
    return list(newest.values())


def _plot(context: Context, args: Namespace) -> int:
    from forgather.ml.analysis import TrainingLog, plot_loss_curves, plot_training_metrics

    if args.loss_curves and args.metrics:
        raise UsageError("give --loss-curves or --metrics, not both")
    paths = [*args.paths, *args.compare] or _latest(context)
    logs = [TrainingLog.from_file(path) for path in paths]
    output = _plot_file(context, args)
    options = {
        "title": args.title,
        "labels": args.labels,
        "x_axis": args.x_axis,
        "log_scale": args.log_scale,
    }
    if args.smooth is not None:
        options["smooth"] = args.smooth
    try:
        if args.loss_curves:
            plot_loss_curves(logs, output, **options)
        else:
            metrics = {"metrics": _metrics(args.metrics)} if args.metrics else {}
            plot_training_metrics(logs, output, **metrics, **options)
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error
    note(f"Wrote plot of {_names(logs)} to {output}")
    if args.edit:
        from forgather.cli.editor import open_in_editor

        open_in_editor(output)
    return 0


def _names(logs: list[TrainingLog]) -> str:
    return ", ".join(log.run_name or str(log.path) for log in logs)


def _metrics(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def _plot_file(context: Context, args: Namespace) -> Path:
    """``-o``, with the suffix of ``--format`` where it has none; else a name below ./tmp."""
    if args.output_file is None:
        if args.loss_curves:
            stem = "loss_curves"
        else:
            stem = f"plot_{'_'.join(_metrics(args.metrics))}" if args.metrics else "training_plot"
        return Path("tmp") / f"{_prefix(context)}{stem}.{args.format or 'png'}"
    output = Path(args.output_file)
    found = output.suffix.removeprefix(".").lower()
    if args.format and found and found != args.format:
        raise UsageError(f"--format {args.format} and the file {output} do not agree")
    return output if found else output.with_name(f"{output.name}.{args.format or 'png'}")


def _prefix(context: Context) -> str:
    """``<config>_`` where a config was selected with -t."""
    name = context.config_template
    return f"{os.path.splitext(os.path.basename(name))[0]}_" if name else ""
