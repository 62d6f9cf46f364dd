from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest

from forgather.errors import RunError
from forgather.ml.analysis import TrainingLog, find_log_files


def test_a_log_knows_its_run_and_model(write_log):
    path = write_log("tiny", "log_1")
    log = TrainingLog.from_file(path)
    assert (log.run_name, log.model_name, log.label) == ("log_1", "tiny", "tiny")
    assert TrainingLog.from_run_dir(path.parent) == TrainingLog.from_file(path.parent) == log


def test_a_log_elsewhere_has_no_names(tmp_path):
    path = tmp_path / "copy.json"
    path.write_text('{"loss": 1.0, "global_step": 1}\n')
    log = TrainingLog.from_file(path)
    assert (log.run_name, log.model_name, log.label) == (None, None, "copy")


def test_records_by_kind(write_log):
    log = TrainingLog.from_file(write_log())
    assert len(log.get_training_records()) == 10
    assert [r["global_step"] for r in log.get_eval_records()] == [10, 20, 30, 40, 50]
    assert log.get_final_record()["train_samples"] == 400


def test_a_live_or_killed_run_is_read_up_to_the_torn_line(write_log, records):
    whole = "".join(json.dumps(r) + "\n" for r in records(ends=False))
    log = TrainingLog.from_file(write_log(text=whole[:-15]))
    assert len(log.records) == len(records(ends=False)) - 1
    assert log.get_final_record() is None


def test_the_older_form_is_read_closed_or_not(write_log, records):
    text = json.dumps(records(), indent=1)
    closed = TrainingLog.from_file(write_log(run="a", text=text))
    assert len(closed.records) == len(records())
    assert len(TrainingLog.from_file(write_log(run="b", text=text[:-1])).records) == len(records())


def test_after_a_resume_the_later_record_wins(write_log):
    lines = [{"global_step": 1, "loss": 3.0}, {"global_step": 2, "loss": 2.0}]
    log = TrainingLog.from_file(write_log(records=[*lines, {"global_step": 2, "loss": 1.5}]))
    assert log.get_metric_values("loss") == ([1.0, 2.0], [3.0, 1.5])


def test_best_steps(write_log):
    log = TrainingLog.from_file(write_log())
    assert log.find_best_step("loss") == (40, 1.0)
    assert log.find_best_step("eval_loss") == (40, 1.5)
    assert log.find_best_step("grad_norm", mode="max") == (15, 2.0)
    assert log.find_best_step("nothing") is None
    with pytest.raises(RunError, match="unknown mode 'best'"):
        log.find_best_step("loss", "best")


def test_zero_is_a_value_and_nan_is_never_the_best():
    rows = ({"global_step": s, "loss": v} for s, v in enumerate([math.nan, 0.0, 1.0]))
    assert TrainingLog(tuple(rows)).find_best_step("loss") == (1, 0.0)


def test_training_and_evaluation_share_a_clock(write_log):
    log = TrainingLog.from_file(write_log())
    minutes, _ = log.get_metric_values("loss", "time")
    assert minutes[:2] == [0.0, 0.5]
    minutes, _ = log.get_metric_values("eval_loss", "time")
    assert minutes[0] == 1.0  # 30 s after the training record of step 10, not zero
    epochs, _ = log.get_metric_values("loss", "epoch")
    assert epochs[-1] == 1.0
    with pytest.raises(RunError, match="unknown x axis"):
        log.get_metric_values("loss", "steps")


def test_a_missing_log_says_what_to_give(tmp_path):
    with pytest.raises(RunError, match=r"no training log: .*nothing") as caught:
        TrainingLog.from_file(tmp_path / "nothing")
    assert "run directory" in caught.value.hint
    with pytest.raises(RunError, match=r"no training log: .*trainer_logs\.json"):
        TrainingLog.from_run_dir(tmp_path)


def test_logs_are_found_newest_first(write_log, tmp_path):
    paths = [write_log("a", "1"), write_log("b", "2"), write_log("a", "3")]
    for age, path in zip([20, 30, 10], paths, strict=True):
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    assert find_log_files(tmp_path) == [paths[2], paths[0], paths[1]]
    assert find_log_files(tmp_path / "output_models") == []


def test_a_summary_imports_neither_torch_nor_matplotlib(write_log):
    program = (
        "import sys; from forgather.ml.analysis import *\n"
        f"compute_summary_statistics(TrainingLog.from_file({str(write_log())!r}))\n"
        "assert not {'torch', 'matplotlib', 'numpy'} & set(sys.modules), 'too much is imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
