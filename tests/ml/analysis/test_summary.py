from __future__ import annotations

import json
import math

import pytest

from forgather.errors import UsageError
from forgather.ml.analysis import (
    TrainingLog,
    compute_summary_statistics,
    format_summaries,
    format_summary,
)


@pytest.fixture
def summary(write_log):
    return compute_summary_statistics(TrainingLog.from_file(write_log()))


def test_all_keys(summary, write_log):
    assert summary == {
        "run_name": "log_1",
        "log_path": str(write_log()),
        "total_steps": 50,
        "final_epoch": 1.0,
        "final_loss": 2.0,
        "avg_loss": pytest.approx(2.55),
        "min_loss": 1.0,
        "best_loss": 1.0,
        "best_loss_step": 40,
        "final_eval_loss": 2.5,
        "final_eval_loss_step": 50,
        "best_eval_loss": 1.5,
        "best_eval_loss_step": 40,
        "avg_grad_norm": pytest.approx(1.1),
        "max_grad_norm_value": 2.0,
        "max_grad_norm_step": 15,
        "initial_lr": pytest.approx(5e-7),
        "final_lr": pytest.approx(5e-6),
        "train_runtime": 125.0,
        "train_samples": 400,
        "train_samples_per_second": 3.2,
        "train_steps_per_second": 0.4,
        "effective_batch_size": 8,
    }


def test_what_is_missing_is_absent():
    log = TrainingLog(({"global_step": 3, "loss": 1.0},))
    assert compute_summary_statistics(log) == {
        "total_steps": 3,
        "final_loss": 1.0,
        "avg_loss": 1.0,
        "min_loss": 1.0,
        "best_loss": 1.0,
        "best_loss_step": 3,
    }
    assert compute_summary_statistics(TrainingLog(())) == {}


def test_nan_is_counted_and_not_hidden():
    rows = ({"global_step": s, "loss": v} for s, v in enumerate([2.0, 1.0, math.nan]))
    summary = compute_summary_statistics(TrainingLog(tuple(rows)))
    assert math.isnan(summary["final_loss"]) and summary["nonfinite_losses"] == 1
    assert (summary["avg_loss"], summary["best_loss"]) == (1.5, 1.0)
    assert json.loads(format_summary(summary, "json"))["final_loss"] is None
    assert "nan" in format_summary(summary)


def test_text(summary):
    lines = format_summary(summary).splitlines()
    assert lines[:6] == [
        "Training Run Summary",
        "=" * 60,
        "Run: log_1",
        "Duration: 125.00s",
        "Total Steps: 50",
        "Final Epoch: 1.0000",
    ]
    text = "\n".join(" ".join(line.split()) for line in lines)
    assert "Final Eval Loss: 2.5000 (step 50)" in text  # the final one with its own step
    assert "Best Eval Loss: 1.5000 (step 40)" in text
    assert "Final: 5e-06" in text  # a small learning rate is not shown as zero
    for section in ("Metrics:", "Training Speed:", "Gradient Statistics:", "Learning Rate:"):
        assert section in lines


def test_markdown(summary):
    lines = format_summary(summary, "md").splitlines()
    assert lines[0] == "# Training Run Summary" and "**Run:** log_1  " in lines
    assert "| Best Loss | 1.0000 | 40 |" in lines and "## Training Speed" in lines


def test_one_line(summary):
    line = format_summary(summary, "one-line")
    assert (
        line
        == f"{'log_1':<32} | steps=50 | time=02:05 | loss=2.0000 | eval=1.5000(best) | samp/s=3.2"
    )
    table = format_summaries([summary, {**summary, "train_runtime": 3725}], "one-line").splitlines()
    assert len(table) == 4 and set(table[1]) == {"-"} and "time=1:02:05" in table[3]


def test_a_run_without_a_name_has_a_line(summary):
    del summary["run_name"]
    assert "trainer_logs.json" not in format_summary(summary, "one-line")[:5]
    assert format_summary({}, "one-line").startswith("(no name)")


def test_json(summary):
    assert json.loads(format_summary(summary, "json")) == summary
    assert json.loads(format_summaries([summary, summary], "json")) == [summary, summary]


def test_several_are_kept_apart(summary):
    assert format_summaries([summary, summary], "text").count("Training Run Summary") == 2


def test_an_unknown_format_is_refused(summary):
    with pytest.raises(UsageError, match="unknown format 'jsn'") as caught:
        format_summary(summary, "jsn")
    assert "json" in caught.value.hint
