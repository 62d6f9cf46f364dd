"""``logs``: list, summary and plot over real log files."""

import json
import os

import pytest


def log(workspace, run: str, losses, model="plain", age=0):
    folder = workspace / "one/output_models" / model / "runs" / run
    folder.mkdir(parents=True)
    path = folder / "trainer_logs.json"
    rows = [
        {"global_step": step, "epoch": step / 100, "timestamp": 1000.0 + step, "loss": loss,
         "grad_norm": 1.0, "learning_rate": 1e-7}
        for step, loss in enumerate(losses, 1)
    ]  # fmt: skip
    rows.append({"global_step": len(losses), "timestamp": 1100.0, "eval_loss": losses[-1] + 0.5})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.utime(path, (2_000_000_000 - age, 2_000_000_000 - age))
    return path


@pytest.fixture
def logs(workspace):
    return [
        log(workspace, "new_run", [4.0, 3.0, 2.0]),
        log(workspace, "old_run", [5.0, 4.5], model="other", age=100),
    ]


def test_list_newest_first(logs, forgather):
    outcome = forgather("logs", "list")
    assert outcome.status == 0
    assert outcome.lines[0] == "Found 2 training log(s):"
    assert outcome.out.index("plain/new_run") < outcome.out.index("other/old_run")
    assert "Path: output_models/plain/runs/new_run/trainer_logs.json" in outcome.out
    rows = json.loads(forgather("logs", "list", "--format", "json").out)
    assert [row["path"] for row in rows] == list(map(str, logs))


def test_list_without_logs(workspace, forgather):
    assert forgather("logs", "list").out == "No training logs found.\n"
    assert json.loads(forgather("logs", "list", "--format", "json").out) == []


def test_summary_of_the_latest(logs, forgather):
    outcome = forgather("logs", "summary")
    assert outcome.status == 0
    assert "Run: new_run" in outcome.lines
    assert "1e-07" in outcome.out  # not 0.000000
    data = json.loads(forgather("logs", "summary", "--format", "json").out)
    assert (data["final_loss"], data["best_loss_step"]) == (2.0, 3)


def test_summary_of_a_path_needs_no_project(logs, forgather, monkeypatch, tmp_path):
    monkeypatch.chdir("/")
    outcome = forgather("logs", "summary", str(logs[1].parent), "--format", "json")
    assert json.loads(outcome.out)["run_name"] == "old_run"


def test_summary_of_all_as_a_table(logs, forgather):
    outcome = forgather("logs", "summary", "--all", "--format", "one-line")
    assert outcome.status == 0
    assert [line.split()[0] for line in outcome.lines[-2:]] == ["new_run", "old_run"]


def test_summary_into_a_file(logs, forgather, tmp_path):
    target = tmp_path / "report.md"
    outcome = forgather("logs", "summary", "--format", "md", "--output", str(target))
    assert (outcome.status, outcome.out) == (0, "")
    assert target.read_text().startswith("# Training Run Summary")


def test_a_log_that_cannot_be_read_does_not_hide_the_others(logs, forgather):
    outcome = forgather("logs", "summary", "/nowhere/trainer_logs.json", str(logs[0]))
    assert outcome.status == 1
    assert "/nowhere/trainer_logs.json" in outcome.err
    assert "new_run" in outcome.out


def test_no_logs_at_all(workspace, forgather):
    outcome = forgather("logs", "summary")
    assert outcome.status == 1
    assert "there are no training logs" in outcome.err


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ([], "tmp/training_plot.png"),
        (["--loss-curves"], "tmp/loss_curves.png"),
        (["--metrics", "loss,grad_norm", "--format", "svg"], "tmp/plot_loss_grad_norm.svg"),
        (["-o", "out.pdf", "--x-axis", "time", "--smooth", "2", "--log-scale"], "out.pdf"),
        (["-o", "out", "--format", "svg"], "out.svg"),
    ],
)
def test_plot(options, file, logs, workspace, forgather):
    outcome = forgather("logs", "plot", *options)
    assert outcome.status == 0, outcome.err
    assert f"Wrote plot of new_run to {file}" in outcome.err
    assert (workspace / "one" / file).stat().st_size > 1000


def test_plot_takes_the_name_of_the_config(logs, workspace, forgather):
    assert forgather("-t", "plain.yaml", "logs", "plot").status == 0
    assert (workspace / "one/tmp/plain_training_plot.png").exists()


def test_compare(logs, workspace, forgather):
    names = list(map(str, logs))
    outcome = forgather(
        "logs", "plot", "--compare", *names, "--loss-curves", "--labels", "A", "B", "-o", "c.svg"
    )
    assert outcome.status == 0, outcome.err
    assert (workspace / "one/c.svg").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--loss-curves", "--metrics", "loss"], "not both"),
        (["-o", "x.png", "--format", "svg"], "do not agree"),
        (["-o", "x.gif"], ".png"),
        (["--labels", "A", "B"], "2 labels"),
    ],
)
def test_wrong_usage_of_plot(options, message, logs, forgather):
    outcome = forgather("logs", "plot", *options)
    assert outcome.status == 2
    assert message in outcome.err


def test_an_unknown_metric(logs, forgather):
    outcome = forgather("logs", "plot", "--metrics", "los")
    assert outcome.status == 1
    assert "did you mean 'loss'?" in outcome.err
