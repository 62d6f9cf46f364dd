"""The module that a node runs, in a real process, without any scheduler."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forgather.errors import BuildError
from forgather.launch.bundle import (
    BUNDLE_FILE,
    RETRY,
    SEALED,
    STOPPED,
    Bundle,
    Input,
    read_result,
)

REPOSITORY = Path(__file__).parents[2]
FORBIDDEN = ("lang", "project", "make", "config", "meta_config", "codegen", "workspace", "cli")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "job" / "out").mkdir(parents=True)
    return tmp_path / "job"


def write(folder: Path, program: str, **more) -> Bundle:
    (folder / "program.py").write_text(program)
    argv = [str(folder / "program.py"), str(folder / "out" / "result.txt")]
    outputs = {"kind": "tree", "root": str(folder / "out")}
    bundle = Bundle("test:one", "k", "ticket", str(folder), argv, outputs=outputs, **more)
    (folder / BUNDLE_FILE).write_text(bundle.dumps())
    return bundle


def start(folder: Path, *log: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "forgather.launch.bundle", str(folder / BUNDLE_FILE), *log],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(folder: Path, **environment: str) -> tuple[int, str]:
    process = start(folder, **environment)
    _output, errors = process.communicate(timeout=60)
    return process.returncode, errors


def test_it_leaves_a_result_with_the_digest_of_each_output(folder):
    write(
        folder,
        f"import os, sys\nassert os.environ[{SEALED!r}]\n"
        "open(sys.argv[1], 'w').write(os.environ['COLOUR'])",
        environment={"COLOUR": "red"},
    )
    code, errors = run(folder, COLOUR="blue")
    assert code == 0, errors
    result = read_result(folder, "ticket")
    assert result["outputs"] == {"result.txt": hashlib.sha256(b"red").hexdigest()}
    assert result["error"] is None
    assert read_result(folder, "another ticket") is None


def test_what_is_done_is_not_done_again(folder):
    write(folder, "import sys\nopen(sys.argv[1], 'a').write('x')")
    assert run(folder)[0] == 0
    assert run(folder)[0] == 0
    assert (folder / "out" / "result.txt").read_text() == "x"


def test_the_node_loads_no_part_of_the_compiler_or_the_build_system(folder):
    write(folder, "")
    _code, errors = run(folder, PYTHONPROFILEIMPORTTIME="1")
    loaded = {line.rpartition("|")[2].strip() for line in errors.splitlines()}
    assert "forgather.launch.gang" in loaded
    assert not [name for name in loaded if name.startswith(("doit", "jinja2", "yaml", "torch"))]
    refused = tuple(f"forgather.{name}" for name in FORBIDDEN)
    assert not [name for name in loaded if name.startswith(refused)]


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_an_input_that_changed_stops_it(folder, change):
    data = folder / "data"
    data.write_text("one")
    write(folder, "raise AssertionError", inputs=[Input(str(data), "0" * 64)])
    if change == "removed":
        data.unlink()
    assert run(folder)[0] == 1
    error = read_result(folder, "ticket")["error"]
    assert "FG651" in error and str(data) in error


def test_an_action_that_fails_says_how(folder):
    write(folder, "raise SystemExit(7)")
    assert run(folder)[0] == 1
    assert read_result(folder, "ticket")["error"] == "the worker process ended with status 7"


def test_the_error_is_the_one_that_the_worker_reported(folder):
    report = json.dumps({"error": "error[FG800]: no rows", "exit": 1})
    write(folder, f"open({str(folder / 'worker.json')!r}, 'w').write({report!r}); exit(1)")
    assert run(folder)[0] == 1
    assert read_result(folder, "ticket")["error"] == "error[FG800]: no rows"


def test_a_process_that_was_killed_may_be_started_again(folder):
    write(folder, "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    code, errors = run(folder)
    assert code == RETRY and "SIGKILL" in errors
    assert read_result(folder, "ticket") is None


def test_what_is_asked_to_stop_stops_and_leaves_no_result(folder):
    write(
        folder,
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        "open(sys.argv[1], 'w').close()\ntime.sleep(60)",
    )
    process = start(folder)
    while not (folder / "out" / "result.txt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == STOPPED
    assert read_result(folder, "ticket") is None


def test_who_reads_the_output_may_die(folder):
    """Nothing that is said then ends the action, neither at once nor when its process flushes at the end."""
    write(
        folder,
        "import os, sys, time\nopen(sys.argv[1], 'w').close()\n"
        f"while not os.path.exists({str(folder / 'go')!r}): time.sleep(0.01)\n"
        "print('at once', flush=True)\nprint('aside', file=sys.stderr)\nprint('at the end')",
    )
    log = folder / "log"
    log.write_text("an earlier start\n")
    process = start(folder, str(log))
    while not (folder / "out" / "result.txt").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.stdout.close()
    process.stderr.close()
    (folder / "go").touch()
    assert process.wait(60) == 0
    assert read_result(folder, "ticket")["error"] is None
    assert log.read_text() == "an earlier start\nat once\naside\nat the end\n"


def test_two_starts_of_one_job_take_turns(folder):
    write(folder, "import sys, time\nopen(sys.argv[1], 'a').write('x')\ntime.sleep(0.3)")
    processes = [start(folder), start(folder)]
    assert [process.wait(60) for process in processes] == [0, 0]
    for process in processes:
        process.communicate()
    assert (folder / "out" / "result.txt").read_text() == "x"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}'])
def test_what_is_no_bundle_is_refused(text):
    with pytest.raises(BuildError, match="not an action bundle"):
        Bundle.loads(text)


def test_another_schema_is_named():
    with pytest.raises(BuildError, match="schema 99"):
        Bundle.loads('{"schema": 99}')


def test_a_bundle_is_read_as_it_was_written(folder):
    bundle = write(folder, "", inputs=[Input("/a", "b")], processes=2)
    assert Bundle.loads(bundle.dumps()) == bundle


GANG = """
import json, os, signal, sys
from pathlib import Path

folder = Path(sys.argv[1]).parents[1]
if os.environ["RANK"] == "1" and not (folder / "second").exists():
    (folder / "second").write_text("")
    {end}
if os.environ["RANK"] == "0":
    Path(sys.argv[1]).write_text("done")
"""


def test_a_gang_with_a_process_that_is_killed_is_started_again(folder):
    write(folder, GANG.format(end="os.kill(os.getpid(), signal.SIGKILL)"), processes=2)
    code, errors = run(folder)
    assert code == RETRY and "test:one: its process was ended by" in errors
    assert read_result(folder, "ticket") is None
    code, errors = run(folder)
    assert code == 0, errors
    assert (folder / "out" / "result.txt").read_text() == "done"


def test_a_gang_with_a_process_that_fails_is_not(folder):
    report = "(folder / 'worker.json').write_text(json.dumps({'error': 'no'})); sys.exit(1)"
    write(folder, GANG.format(end=report), processes=2)
    assert run(folder)[0] == 1
    assert read_result(folder, "ticket")["error"] == "no"


@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_worker_of_any_rank_reports_why_it_failed(tmp_path, rank):
    log = tmp_path / "trainer_logs.json"
    log.write_text("no log")
    action = {
        "action": "plot",
        "result": str(tmp_path / "result.json"),
        "log": str(log),
        "out": str(tmp_path),
        "title": "",
    }
    (tmp_path / "action.json").write_text(json.dumps(action))
    command = [sys.executable, "-m", "forgather.launch.worker", str(tmp_path / "action.json")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "RANK": rank}
    process = subprocess.run(command, env=environment, capture_output=True, timeout=120)
    assert process.returncode != 0
    assert "trainer_logs.json" in json.loads((tmp_path / "result.json").read_text())["error"]
