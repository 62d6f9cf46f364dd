"""Plots of training logs: loss curves of one run or several, and any metrics side by side.

matplotlib is imported when a plot is made, without pyplot: no window, no global state. The same log
gives the same picture, to the byte for the same version of matplotlib.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.errors import RunError, UsageError, nearest
from forgather.ml.analysis.log import X_AXES, TrainingLog
from forgather.ml.analysis.smoothing import automatic_window, moving_average

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DEFAULT_METRICS = ("loss", "eval_loss", "learning_rate")
FORMATS = ("png", "svg", "pdf")
DPI = 150
# Distinct for color-blind readers too, and dark enough on white.
COLORS = (
    *("#2563eb", "#e4572e", "#0f9d6b", "#9333ea", "#c98a00"),
    *("#0891b2", "#be185d", "#65a30d", "#7c5c3e", "#475569"),
)
GRAY = "#64748b"
STYLE = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#94a3b8",
    "axes.labelcolor": "#334155",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e2e8f0",
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "forgather",
}
X_LABELS = {"step": "Step", "epoch": "Epoch", "time": "Time [min]"}
NAMES = {
    "loss": "Loss",
    "eval_loss": "Evaluation loss",
    "learning_rate": "Learning rate",
    "grad_norm": "Gradient norm",
}

NOT_NOISY = ("eval", "learning_rate", "total_")  # never smoothed: these are exact, or few

Logs = TrainingLog | Sequence[TrainingLog]


def plot_loss_curves(
    logs: Logs,
    output: str | Path | None = None,
    *,
    title: str | None = None,
    labels: Sequence[str] | None = None,
    x_axis: str = "step",
    smooth: int | None = None,
    log_scale: bool = False,
) -> Figure:
    """Loss curves.

    One run: training and evaluation loss, the learning rate on a second axis. Several runs: one
    panel for training, one for evaluation. ``smooth``: how many records to average over; None
    chooses, 0 does not. The raw curve stays visible behind a smoothed one.
    """
    runs = _runs(logs)
    names = _labels(runs, labels)
    _check(runs, ("loss", "eval_loss"), x_axis)
    with _style():
        if len(runs) == 1:
            figure = _one_run(runs[0], x_axis, smooth, log_scale)
        else:
            figure = _several_runs(runs, names, x_axis, smooth, log_scale)
        return _finish(figure, title or (names[0] if len(runs) == 1 else None), output)


def plot_training_metrics(
    logs: Logs,
    output: str | Path | None = None,
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    title: str | None = None,
    labels: Sequence[str] | None = None,
    x_axis: str = "step",
    smooth: int | None = 0,
    log_scale: bool = False,
) -> Figure:
    """A panel for each metric, two in a row, with a curve for each run."""
    runs = _runs(logs)
    names = _labels(runs, labels)
    _check(runs, metrics, x_axis)
    with _style():
        columns = min(2, len(metrics))
        figure = _new_figure(6.5 * columns, 3.8 * math.ceil(len(metrics) / columns))
        grid = figure.add_gridspec(math.ceil(len(metrics) / columns), columns)
        for index, metric in enumerate(metrics):
            axes = figure.add_subplot(grid[divmod(index, columns)])
            _panel(axes, runs, names, metric, x_axis, smooth, log_scale)
        return _finish(figure, title, output)


def _one_run(run: TrainingLog, x_axis: str, smooth: int | None, log_scale: bool) -> Figure:
    figure = _new_figure(10, 5.6)
    axes = figure.add_subplot()
    _curve(axes, run, "loss", x_axis, smooth, color=COLORS[0], label="training")
    _curve(axes, run, "eval_loss", x_axis, 0, color=COLORS[1], label="evaluation", marker="o")
    _dress(axes, "Loss", x_axis, log_scale)
    handles, names = axes.get_legend_handles_labels()
    xs, rates = run.get_metric_values("learning_rate", x_axis)
    if rates:
        right = axes.twinx()
        right.spines["right"].set_visible(True)
        right.plot(xs, rates, color=GRAY, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
        right.set_ylabel("Learning rate", color=GRAY)
        right.set_ylim(bottom=0, top=1.08 * max(rates) or 1)
        right.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3))
        right.grid(False)
        handles, names = [*handles, right.lines[0]], [*names, "learning rate"]
        axes.set_zorder(right.get_zorder() + 1)  # the losses are drawn over the learning rate
        axes.patch.set_visible(False)
    _mark_best(axes, run, x_axis)
    axes.legend(handles, names, loc="upper right")
    return figure


def _mark_best(axes: Axes, run: TrainingLog, x_axis: str) -> None:
    """Name the lowest evaluation loss."""
    xs, values = run.get_metric_values("eval_loss", x_axis)
    finite = [(value, x) for x, value in zip(xs, values, strict=True) if math.isfinite(value)]
    if not finite:
        return
    value, x = min(finite)
    is_left = x < (axes.get_xlim()[0] + axes.get_xlim()[1]) / 2
    axes.annotate(
        f"best {value:.3f}",
        (x, value),
        xytext=(0, 14),
        textcoords="offset points",
        ha="left" if is_left else "right",
        color=COLORS[1],
        fontweight="bold",
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 1.5},
    )


def _several_runs(
    runs: Sequence[TrainingLog],
    names: Sequence[str],
    x_axis: str,
    smooth: int | None,
    log_scale: bool,
) -> Figure:
    shown = [
        metric
        for metric in ("loss", "eval_loss")
        if any(run.get_metric_values(metric, x_axis)[1] for run in runs)
    ]
    figure = _new_figure(6.5 * len(shown), 5)
    for index, metric in enumerate(shown):
        axes = figure.add_subplot(1, len(shown), index + 1)
        window = smooth if metric == "loss" else 0
        _panel(axes, runs, names, metric, x_axis, window, log_scale)
    return figure


def _panel(
    axes: Axes,
    runs: Sequence[TrainingLog],
    names: Sequence[str],
    metric: str,
    x_axis: str,
    smooth: int | None,
    log_scale: bool,
) -> None:
    for index, (run, name) in enumerate(zip(runs, names, strict=True)):
        color = COLORS[index % len(COLORS)]
        marker = "o" if metric.startswith("eval") else None
        _curve(axes, run, metric, x_axis, smooth, color=color, label=name, marker=marker)
    axes.set_title(NAMES.get(metric, metric))
    _dress(axes, None, x_axis, log_scale)
    if len(runs) > 1:
        axes.legend(loc="best")


def _curve(
    axes: Axes,
    run: TrainingLog,
    metric: str,
    x_axis: str,
    smooth: int | None,
    *,
    color: str,
    label: str,
    marker: str | None = None,
) -> None:
    xs, values = run.get_metric_values(metric, x_axis)
    if not values:
        return
    window = automatic_window(len(values)) if smooth is None else smooth
    if window > 1 and not metric.startswith(NOT_NOISY):
        axes.plot(xs, values, color=color, alpha=0.25, linewidth=1.0)
        values = moving_average(values, window)
    size = 5 if len(values) <= 60 else 0
    axes.plot(xs, values, color=color, label=label, marker=marker, markersize=size)


def _dress(axes: Axes, y_label: str | None, x_axis: str, log_scale: bool) -> None:
    axes.set_xlabel(X_LABELS[x_axis])
    if y_label:
        axes.set_ylabel(y_label)
    if log_scale:
        axes.set_yscale("log")
    axes.margins(x=0.02)
    axes.set_xlim(left=0)


def _runs(logs: Logs) -> list[TrainingLog]:
    runs = [logs] if isinstance(logs, TrainingLog) else list(logs)
    if not runs:
        raise UsageError("there is no log to plot")
    return runs


def _labels(runs: Sequence[TrainingLog], labels: Sequence[str] | None) -> list[str]:
    """A different name for each run: as given, the model's, the run's, or its number."""
    if labels is not None:
        if len(labels) != len(runs):
            raise UsageError(f"{len(labels)} labels were given for {len(runs)} runs")
        return list(labels)
    for candidates in ([run.label for run in runs], [run.run_name for run in runs]):
        if None not in candidates and len(set(candidates)) == len(runs):
            return [str(name) for name in candidates]
    return [f"Run {number}" for number in range(1, len(runs) + 1)]


def _check(runs: Sequence[TrainingLog], metrics: Sequence[str], x_axis: str) -> None:
    if x_axis not in X_AXES:
        raise UsageError(f"unknown x axis {x_axis!r}", hint=f"known: {', '.join(X_AXES)}")
    if not metrics:
        raise UsageError("no metric to plot was named")
    if any(run.get_metric_values(metric, x_axis)[1] for run in runs for metric in metrics):
        return
    known = sorted({name for run in runs for record in run.records for name in record})
    guesses = [name for metric in metrics if (name := nearest(metric, known))]
    where = ", ".join(str(run.path or "the log") for run in runs)
    raise RunError(
        f"no values of {', '.join(metrics)} in {where}",
        hint=(
            f"did you mean {guesses[0]!r}?"
            if guesses
            else f"logged: {', '.join(known) or 'nothing'}"
        ),
    )


def _style():
    import matplotlib

    return matplotlib.rc_context(STYLE)


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    return figure


def _finish(figure: Figure, title: str | None, output: str | Path | None) -> Figure:
    if title:
        figure.suptitle(title, x=0.014, ha="left", fontsize=14, fontweight="bold", color="#0f172a")
    if output is None:
        return figure
    path = Path(output)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise UsageError(
            f"cannot write {path}", hint=f"name a file that ends in .{', .'.join(FORMATS)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    figure.savefig(path, dpi=DPI, metadata=undated.get(kind))
    return figure
