"""Sweeps on the command line: in ``ls``, listed by ``sweep``, compared by ``logs table``."""

import csv
import io
import json

import pytest

from forgather.runs.ledger import variables_of_run
from tests.cli.conftest import write

SWEPT = """\
-- extends "base.yaml"
[extras]
depth: {{ depth | default(1) }}
sweep:
    - grid: { lr: [ 3e-4, 1.0e-3 ], mode: [ fast, slow ] }
    - when: { mode: slow }
      grid: { depth: [ 2 ] }
"""


@pytest.fixture
def swept(workspace):
    return write(workspace, "one/templates/configs/swept.yaml", SWEPT)


def test_ls_counts_variants_and_lists_them_when_asked(swept, forgather):
    (line,) = [line for line in forgather("ls").lines if "swept.yaml" in line]
    assert line.endswith("(sweep: 4 variants)")
    lines = forgather("ls", "--sweep").lines
    at = next(number for number, line in enumerate(lines) if "swept.yaml" in line)
    assert [line.strip() for line in lines[at + 1 : at + 5]] == [
        "@lr=3e-4,mode=fast",
        "@depth=2,lr=3e-4,mode=slow",
        "@lr=1e-3,mode=fast",
        "@depth=2,lr=1e-3,mode=slow",
    ]
    (project,) = json.loads(forgather("ls", "--format", "json").out)
    counts = {one["config"]: len(one.get("variants", ())) for one in project["configs"]}
    assert counts == {"other.yaml": 0, "plain.yaml": 0, "swept.yaml": 4}


def test_ls_marks_a_broken_sweep(swept, forgather):
    swept.write_text(SWEPT.replace("grid: { lr", "gird: { lr"))
    outcome = forgather("ls")
    assert outcome.status == 1
    (line,) = [line for line in outcome.lines if "swept.yaml" in line]
    assert "PARSE ERROR" in line and "swept.yaml:5: sweep[0].gird" in line
    assert "did you mean 'grid'" in forgather("ls", "--debug").err


def test_sweep_lists_ids_and_commands(swept, forgather):
    outcome = forgather("-t", "swept.yaml", "sweep")
    assert outcome.status == 0, outcome.err
    assert outcome.lines == [
        "lr    mode  depth  command",
        "3e-4  fast         doit train:one/swept@lr=3e-4,mode=fast",
        "3e-4  slow  2      doit train:one/swept@depth=2,lr=3e-4,mode=slow",
        "1e-3  fast         doit train:one/swept@lr=1e-3,mode=fast",
        "1e-3  slow  2      doit train:one/swept@depth=2,lr=1e-3,mode=slow",
        "",
        "4 variants; all of them: doit 'train:one/swept@*'",
    ]
    data = json.loads(forgather("-t", "swept.yaml", "sweep", "--format", "json").out)
    assert data["variants"][1]["variables"] == {"lr": 3e-4, "mode": "slow", "depth": 2}
    table = forgather("-t", "swept.yaml", "sweep", "--format", "md").lines
    assert table[1] == "| --- | --- | --- | --- |" and len(table) == 6


def test_a_variable_that_is_not_used_is_an_error_at_its_line(swept, forgather):
    swept.write_text(SWEPT.replace("depth: [ 2 ]", "dept: [ 2 ]"))
    outcome = forgather("-t", "swept.yaml", "sweep")
    assert outcome.status == 1 and "error[FG641]" in outcome.err
    assert "swept.yaml:7" in outcome.err and "did you mean 'depth'?" in outcome.err


def test_a_sweep_that_calls_something_is_refused_and_nothing_is_called(swept, forgather):
    swept.write_text(SWEPT.replace("depth: [ 2 ]", "depth: !call:os:abort []"))
    outcome = forgather("-t", "swept.yaml", "sweep")
    assert outcome.status == 1 and "plain data" in outcome.err and "swept.yaml:7" in outcome.err


def test_a_config_without_a_sweep_says_so(workspace, forgather):
    outcome = forgather("sweep")
    assert outcome.status == 1 and "error[FG644]" in outcome.err and "sweep" in outcome.err


# logs table


def trained(project, folder, losses, variables, *, aside=False, ended=True):
    """An output directory as a training leaves it."""
    output = project / "output_models" / folder
    run = output / "runs" / f"log_2026-01-0{len(losses)}T00-00-00"
    rows = [
        {"global_step": step, "timestamp": 1000.0 + step, "loss": loss}
        for step, loss in enumerate(losses, 1)
    ]
    rows.append({"global_step": len(losses), "timestamp": 1100.0, "eval_loss": losses[-1] + 0.5})
    rows += [{"global_step": len(losses), "train_runtime": 3.0}] if ended else []
    write(run, "trainer_logs.json", "".join(json.dumps(row) + "\n" for row in rows))
    ledger = {"key": "k", "started": run.name.removeprefix("log_"), "variables": variables}
    ledger |= {"run": str(run)} if ended else {}
    place = output / "earlier" / "0123" if aside else output
    write(place, "training.json", json.dumps(ledger))
    return run


@pytest.fixture
def runs(workspace):
    one = workspace / "one"
    return [
        trained(one, "plain", [4.0, 3.0, 2.0], {}),
        trained(one, "plain@lr=1e-3", [4.0, 1.0], {"lr": 1e-3}),
        trained(one, "plain@lr=3e-4", [4.0, 2.0, 2.5, 3.0], {"lr": 3e-4, "mode": "slow"}),
        trained(one, "other", [5.0], {"lr": 0.5}, ended=False),
        trained(one, "plain@lr=9", [5.0, 4.0, 3.5, 3.3, 3.2], {"lr": 9}, aside=True),
    ]


def test_variables_of_a_run_come_from_its_ledger(runs):
    assert [variables_of_run(run) for run in runs] == [
        {},
        {"lr": 1e-3},
        {"lr": 3e-4, "mode": "slow"},
        {"lr": 0.5},
        {"lr": 9},
    ]


def test_runs_side_by_side_the_best_first(runs, forgather):
    outcome = forgather("logs", "table")
    assert outcome.status == 0, outcome.err
    head, *lines = outcome.lines
    assert head.split("  ")[-1] == "run" and head.split()[:3] == ["lr", "mode", "steps"]
    assert [line.split("  ")[-1].partition("/")[0] for line in lines] == [
        "plain@lr=1e-3",
        "plain",
        "plain@lr=3e-4",
        "plain@lr=9",
        "other",
    ]
    assert "not ended" in lines[-1]
    assert "2.0000" in lines[2] and "3.0000" in lines[2], "best and final loss differ"


def test_a_table_of_one_config_and_its_variants(runs, forgather):
    lines = forgather("-t", "plain.yaml", "logs", "table", "--sort", "lr", "--reverse").lines
    assert [line.split("  ")[-1].partition("/")[0] for line in lines[1:]] == [
        "plain@lr=9",
        "plain@lr=1e-3",
        "plain@lr=3e-4",
        "plain",
    ], "a run without the variable comes last"


def test_formats_of_the_table(runs, forgather, tmp_path):
    data = json.loads(forgather("logs", "table", "--format", "json").out)
    assert data[0]["variables"] == {"lr": 1e-3} and data[0]["best_eval_loss"] == 1.5
    rows = list(csv.DictReader(io.StringIO(forgather("logs", "table", "--format", "csv").out)))
    assert rows[0]["lr"] == "0.001" and rows[0]["final_loss"] == "1.0"
    assert [row["ended"] for row in rows] == ["true"] * 4 + ["false"]
    target = tmp_path / "table.md"
    assert forgather("logs", "table", "--format", "md", "-o", str(target)).status == 0
    assert target.read_text().splitlines()[0].startswith("| lr | mode | steps |")


def test_latest_keeps_one_run_of_each_directory(runs, forgather, workspace):
    trained(workspace / "one", "plain", [1.0], {})
    assert len(forgather("logs", "table").lines) == 7
    assert len(forgather("logs", "table", "--latest").lines) == 6


def test_mistakes(runs, forgather, workspace, monkeypatch):
    outcome = forgather("logs", "table", "--sort", "best_lss")
    assert outcome.status == 2 and "did you mean 'best_loss'?" in outcome.err
    outcome = forgather("-t", "other.yaml", "logs", "table", str(workspace / "none"))
    assert outcome.status == 1 and "no training log" in outcome.err
    monkeypatch.chdir(workspace / "two")
    outcome = forgather("logs", "table")
    assert outcome.status == 1 and "no training logs" in outcome.err
