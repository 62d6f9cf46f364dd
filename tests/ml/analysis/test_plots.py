"""Plots, by what they show: lines, labels and axes of the figure, and the files they make."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forgather.errors import RunError, UsageError
from forgather.ml.analysis import TrainingLog, plot_loss_curves, plot_training_metrics
from forgather.ml.analysis.smoothing import moving_average


@pytest.fixture
def log(write_log):
    return TrainingLog.from_file(write_log())


@pytest.fixture
def other(write_log, records):
    return TrainingLog.from_file(write_log("other", records=records(floor=2.0)))


def curve(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return list(line.get_xdata()), list(line.get_ydata())


def test_one_run_shows_both_losses_and_the_learning_rate(log, tmp_path):
    figure = plot_loss_curves(log, tmp_path / "new" / "loss.png", title="My run")
    left, right = figure.axes
    assert curve(left, "training") == log.get_metric_values("loss")
    assert curve(left, "evaluation") == log.get_metric_values("eval_loss")
    assert list(right.lines[0].get_ydata()) == log.get_metric_values("learning_rate")[1]
    assert [text.get_text() for text in left.get_legend().get_texts()] == [
        "training",
        "evaluation",
        "learning rate",
    ]
    assert [note.get_text() for note in left.texts] == ["best 1.500"]
    assert figure.get_suptitle() == "My run"
    assert (tmp_path / "new" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_several_runs_have_a_panel_for_each_loss(log, other):
    figure = plot_loss_curves([log, other])
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Loss", "Evaluation loss"]
    for axes in figure.axes:
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        assert names == ["tiny", "other"]


def test_metrics_side_by_side(log, tmp_path):
    figure = plot_training_metrics(log, tmp_path / "m.svg", metrics=["loss", "grad_norm", "epoch"])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["Loss", "Gradient norm", "epoch"]
    assert "<svg" in (tmp_path / "m.svg").read_text()


def test_time_starts_where_the_log_starts(log):
    left, _ = plot_loss_curves(log, x_axis="time").axes
    assert curve(left, "training")[0][0] == 0.0 and curve(left, "evaluation")[0][0] == 1.0
    assert left.get_xlabel() == "Time [min]"


def test_smoothing_keeps_the_raw_curve_visible(log):
    axes = plot_loss_curves(log, smooth=5).axes[0]
    raw, smooth = axes.lines[0], axes.lines[1]
    assert list(raw.get_ydata()) == log.get_metric_values("loss")[1] and raw.get_alpha() < 0.5
    assert list(smooth.get_ydata()) == moving_average(log.get_metric_values("loss")[1], 5)
    assert curve(axes, "evaluation") == log.get_metric_values("eval_loss")  # never smoothed


def test_log_scale(log):
    assert plot_loss_curves(log, log_scale=True).axes[0].get_yscale() == "log"


def test_labels(log, write_log):
    again = TrainingLog.from_file(write_log("tiny", "log_2"))

    def names(*args, **kwargs):
        legend = plot_loss_curves(*args, **kwargs).axes[0].get_legend()
        return [text.get_text() for text in legend.get_texts()]

    assert names([log, again]) == ["log_1", "log_2"]  # one model: told apart by run
    assert names([log, log]) == ["Run 1", "Run 2"]
    assert names([log, again], labels=["before", "after"]) == ["before", "after"]
    with pytest.raises(UsageError, match="1 labels were given for 2 runs"):
        names([log, again], labels=["before"])


def test_the_same_log_gives_the_same_picture(log, tmp_path):
    for kind in ("png", "svg", "pdf"):
        for name in "ab":
            plot_loss_curves(log, tmp_path / f"{name}.{kind}")
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_a_run_with_nan_is_plotted(write_log, tmp_path):
    rows = [{"global_step": s, "loss": math.nan if s == 3 else 1.0} for s in range(6)]
    plot_loss_curves(TrainingLog.from_file(write_log(records=rows)), tmp_path / "nan.png", smooth=3)
    assert (tmp_path / "nan.png").exists()


def test_a_run_with_only_evaluations(write_log):
    log = TrainingLog.from_file(write_log(records=[{"global_step": 5, "eval_loss": 1.0}]))
    assert curve(plot_loss_curves(log).axes[0], "evaluation") == ([5.0], [1.0])


def test_an_empty_log_is_refused(write_log, tmp_path):
    log = TrainingLog.from_file(write_log(records=[]))
    with pytest.raises(RunError, match="no values of loss, eval_loss"):
        plot_loss_curves(log, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"metrics": ["los"]}, RunError, "no values of los"),
        ({"metrics": []}, UsageError, "no metric"),
        ({"x_axis": "steps"}, UsageError, "unknown x axis 'steps'"),
        ({"output": "x.bmp"}, UsageError, r"cannot write x\.bmp"),
    ],
)
def test_what_cannot_be_plotted_is_refused(log, arguments, error, message):
    with pytest.raises(error, match=message):
        plot_training_metrics(log, **arguments)


def test_a_misspelled_metric_gets_the_nearest_name(log):
    with pytest.raises(RunError) as caught:
        plot_training_metrics(log, metrics=["learning_rat"])
    assert "'learning_rate'" in caught.value.hint


def test_no_logs():
    with pytest.raises(UsageError, match="no log to plot"):
        plot_loss_curves([])


values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)


@given(values, st.integers(2, 20))
def test_an_average_lies_between_the_values(values, window):
    smoothed = moving_average(values, window)
    assert len(smoothed) == len(values)
    low, high = min(values) - 1e-3, max(values) + 1e-3
    assert all(low <= value <= high for value in smoothed)


def test_an_average_does_not_lag():
    falling = [10 - 0.1 * n for n in range(100)]
    assert moving_average(falling, 9)[50] == pytest.approx(falling[50], abs=1e-3)


def test_nan_weighs_nothing():
    smoothed = moving_average([1.0, math.nan, 1.0], 3)
    assert smoothed[0] == smoothed[2] == 1.0 and math.isnan(smoothed[1])
