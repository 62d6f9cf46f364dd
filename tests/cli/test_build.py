"""``forgather build`` and ``forgather doit``: what their command lines mean, and how they end."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import write

EVERY = {f"{kind}:{config}" for kind in ("pp", "graph") for config in ("one", "one/other", "two")}


@pytest.fixture
def build(workspace, forgather, tmp_path, monkeypatch):
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    return lambda *arguments: forgather("build", *arguments)


def tasks(outcome) -> set[str]:
    """The tasks that were built or restored, or are up to date."""
    lines = (line.split() for line in outcome.lines)
    return {words[1] for words in lines if words[0] in (".", "--")}


def test_everything_is_rendered_and_compiled_by_default(build, workspace):
    done = build()
    assert (done.status, tasks(done)) == (0, EVERY)
    assert (workspace / "build" / "two" / "graph.json").is_file()


def test_the_selected_config_alone(build, forgather):
    assert tasks(forgather("-t", "other.yaml", "build")) == {"pp:one/other", "graph:one/other"}
    assert tasks(forgather("-t", "other.yaml", "build", "pp", "pp:two")) == {
        "pp:one/other",
        "pp:two",
    }


def test_kinds_and_patterns(build):
    assert tasks(build("pp")) == {name for name in EVERY if name.startswith("pp")}
    assert tasks(build("pp:one*")) == {"pp:one", "pp:one/other"}
    (line,) = build("model").lines
    assert re.fullmatch(r"nothing to do, \d+\.\d s", line)


def test_jobs_and_always(build):
    build()
    done = build("-n", "2", "-a", "graph:two")
    assert done.status == 0
    assert ".  graph:two  (it was asked for again (--always))" in done.lines


def test_a_broken_config_is_reported_and_hides_no_other(build, workspace):
    write(workspace, "one/templates/configs/other.yaml", '-- extends "base.yaml"\n[extras]\nx: [\n')
    done = build("--continue", "pp")
    assert done.status == 1
    assert tasks(done) == {"pp:one", "pp:one/other", "pp:two"}
    assert "!! pp:one/other failed" in done.lines
    assert "other.yaml:3" in done.out or "base.yaml" in done.out
    assert "error[FG201]" in done.out and "Traceback" not in done.out + done.err
    alone = build("pp:one/other")  # asked for by name, it is the user's mistake, and not a step's
    assert alone.status == 1 and "error[FG201]" in alone.err


def test_a_report_goes_into_a_file(build, tmp_path):
    report = tmp_path / "report.jsonl"
    done = build("--reporter", "json", "-o", str(report))
    assert (done.status, done.out) == (0, "")
    events = [json.loads(line) for line in report.read_text().splitlines()]
    assert {event["name"] for event in events if event["event"] == "task"} == EVERY


def test_a_program_is_told_that_the_build_did_not_start(build, workspace, tmp_path):
    path = write(workspace, "one/templates/configs/other.yaml", "main: [\n")
    done = build("--reporter", "json", "pp:one/other")
    (event,) = map(json.loads, done.lines)
    assert (done.status, event["event"]) == (1, "refused")
    assert (event["error"]["code"], event["error"]["file"]) == (
        "FG201",
        "one/templates/configs/other.yaml",
    )
    assert "error[FG201]" in done.err
    done = build("--reporter", "github", "pp:one/other")
    assert done.lines[0].startswith("::error file=one/templates/configs/other.yaml,line=")
    report = tmp_path / "report.xml"
    build("--reporter", "junit", "-o", str(report), "pp:one/other")
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite.get("errors") == "1" and str(path) in suite.find("system-err").text


@pytest.mark.parametrize(
    ("arguments", "answer", "status"),
    [
        (["--reporter", "jsno"], "invalid choice: 'jsno'", 2),
        (["--job", "2"], "did you mean '--jobs'?", 2),
        (["pq"], "there is no task 'pq'", 2),
        (["pp:oen"], "did you mean 'one'?", 2),
        (["model:one"], "one has no model", 2),
        (["--executor", "slrum"], "slurm", 2),
    ],
)
def test_mistakes(arguments, answer, status, build):
    done = build(*arguments)
    assert answer in done.err, done.err
    assert (done.status, done.out) == (status, "")


def test_doit_runs_in_the_build_root(build, forgather):
    build("pp:two")
    listed = forgather("doit", "list", "--all", "--status", "pp")
    assert {"U pp:two", "R pp:one", "R pp"} <= {line[:9].strip() for line in listed.lines} | {
        line.split("   ")[0] for line in listed.lines
    }
    assert forgather("doit", "forget", "pp:two").out == "forgetting pp:two\n"
    assert ".  pp:two  (it was forgotten)" in forgather("doit", "pp:two").lines
    assert "forgather doit graph [TASK ...]" in forgather("doit", "help", "graph").out


def test_the_completion_of_doit_is_ours(build, forgather):
    done = forgather("doit", "tabcompletion")
    assert done.status == 2 and "forgather completion bash" in done.err
