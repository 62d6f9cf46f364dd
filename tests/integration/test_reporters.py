"""Every reporter through real builds: failures, skipped, restored and current tasks, interrupts, two jobs."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from tests.integration.cheap import make_workspace
from tests.integration.typed import Shell

NET = "projects/net/templates/configs/net.yaml"
NET_LINE = 9  # of model_package
WORK = ("model:net", "train:run", "tokenizer:vocab", "pp:plain")
RUN_STEPS = {"train:run", "checkpoint:run", "plot:run", "report:run"}

NOISE = """\
import sys, time
if what in ("model", "tokenizer"):
    for number in range(4):
        sys.stdout.write(f"\\x1b[31m{what} {number}\\x1b[0m\\x00\\n::error::not a command of {what}\\n")
        sys.stdout.flush()
        time.sleep(0.02)
"""

WAIT = """\
import time
from forgather.errors import Interrupted
if what in ("model", "corpus"):
    try:
        open(f"{what}.begun", "w").close()
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.3)
        open(f"{what}.saved", "w").close()
        raise Interrupted(f"{what} was stopped") from None
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A workspace inside of a git repository, all of it built."""
    top = tmp_path_factory.mktemp("reporters")
    (top / ".git").mkdir()
    shell = Shell(make_workspace(top / "ws"), top / "cache")
    done = shell.forgather("build", "pp", "graph", "model", "tokenizer")
    assert done.code == 0, done.err
    return shell


@pytest.fixture
def mixed(shell, tmp_path):
    """The next build has one task of each outcome; gives the arguments and variables to build so."""
    root, code = shell.folder, shell.folder / "code" / "net_maker.py"
    text = code.read_text()
    code.write_text(
        text.replace("out.mkdir()", "out.mkdir()\n    raise ValueError('no net today')")
    )
    (root / "build" / "plain" / "config.yaml").unlink(missing_ok=True)
    shell.forgather("doit", "forget", "tokenizer:vocab")
    hook = tmp_path / "hook.py"
    hook.write_text(NOISE)
    yield lambda reporter, *more, **variables: shell.forgather(
        "build", "-n", "2", "--continue", "--reporter", reporter, *more, *WORK,
        CHEAP_HOOK=str(hook), GITHUB_WORKSPACE="", **variables,
    )  # fmt: skip
    code.write_text(text)


def test_json(mixed, shell):
    done = mixed("json")
    events = [json.loads(line) for line in done.lines]
    assert done.code == 1 and "Traceback" not in done.err
    assert [event["event"] for event in (events[0], events[-1])] == ["start", "end"]
    assert events[0]["version"] == events[-1]["version"] == 1
    tasks = {event["name"]: event for event in events if event["event"] == "task"}
    by_outcome = {}
    for name, event in tasks.items():
        by_outcome.setdefault(event["outcome"], set()).add(name)
    assert by_outcome.pop("current") >= {"pp:net", "graph:net", "pp:run", "dataset:corpus"}
    assert by_outcome == {
        "restored": {"pp:plain"},
        "built": {"tokenizer:vocab"},
        "failed": {"model:net"},
        "skipped": RUN_STEPS,
    }
    assert {k: v for k, v in events[-1]["counts"].items() if k != "current"} == {
        "built": 1, "restored": 1, "failed": 1, "skipped": len(RUN_STEPS),
    }  # fmt: skip
    order = [event["event"] for event in events if event.get("name") == "model:net"]
    assert order == ["begin", "task"]
    assert tasks["pp:plain"]["reasons"] == ["build/plain/config.yaml is missing"]
    assert tasks["tokenizer:vocab"]["reason"] == "it was forgotten"
    assert (shell.folder / tasks["model:net"]["log"]).read_text().count("model 3") == 1


def test_json_says_where_the_mistake_is(mixed):
    events = map(json.loads, mixed("json").lines)
    error = next(
        event["error"]
        for event in events
        if event.get("name") == "model:net" and event.get("error")
    )
    assert (error["file"], error["line"], error["code"]) == (NET, NET_LINE, "FG307")
    assert error["message"].endswith("ValueError: no net today")
    assert "net_maker.py:" in error["text"]


def test_junit(mixed, tmp_path):
    report = tmp_path / "report.xml"
    done = mixed("junit", "-o", str(report))
    assert done.code == 1 and done.out == ""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert suite.get("tests") == str(len(cases))
    assert (suite.get("failures"), suite.get("skipped"), suite.get("errors")) == ("1", "4", "0")
    net = cases["model:net"]
    assert (net.get("classname"), net.get("file"), net.get("line")) == ("forgather.model", NET, "9")
    assert net.find("failure").get("type") == "FG307"
    assert "model 3" in net.find("system-out").text
    assert cases["train:run"].find("skipped").get("message") == "not built: model:net"
    assert cases["pp:plain"].find("failure") is None and float(cases["pp:plain"].get("time")) >= 0


def test_junit_on_standard_output_is_nothing_but_xml(mixed):
    assert ElementTree.fromstring(mixed("junit").out).tag == "testsuites"


def test_github(mixed, shell, tmp_path):
    page = tmp_path / "summary.md"
    done = mixed("github", GITHUB_STEP_SUMMARY=str(page))
    assert done.code == 1
    where = f"file=ws/{NET},line={NET_LINE},"  # as seen from the repository
    errors = [
        line for line in done.lines if line.startswith("::error") and "not a command" not in line
    ]
    assert len(errors) == 1 and errors[0].startswith(f"::error {where}title=FG307::model:net: ")
    assert sum(line.startswith("::group::") for line in done.lines) == done.lines.count(
        "::endgroup::"
    )
    assert "**model:net** failed" in page.read_text() and "no net today" in page.read_text()


def test_what_a_step_writes_gives_github_no_commands(mixed):
    stopped: str | None = None
    seen = 0
    for line in mixed("github").lines:
        if stopped is None and line.startswith("::stop-commands::"):
            stopped = line.removeprefix("::stop-commands::")
        elif line == f"::{stopped}::":
            stopped = None
        elif "not a command" in line:
            assert stopped is not None
            seen += 1
    assert seen == 8 and stopped is None


def test_plain(mixed):
    done = mixed("plain")
    assert done.code == 1
    assert ".  pp:plain  (restored: build/plain/config.yaml is missing)" in done.lines
    assert ".  tokenizer:vocab  (it was forgotten)" in done.lines
    assert "!! train:run  (not built: model:net)" in done.lines
    assert "-- graph:net" in done.lines
    assert re.fullmatch(
        r"built 1, restored 1, failed 1, skipped 4, \d+ up to date, .* s", done.lines[-1]
    )


def test_output_comes_in_whole_blocks_and_stays_in_logs(mixed, shell):
    lines = mixed("plain").lines
    for kind, task in (("model", "model:net"), ("tokenizer", "tokenizer:vocab")):
        log = f"build/log/{task.replace(':', '-')}.log"
        start = lines.index(f"   output of {task}: {log}")
        block = lines[start + 1 : start + 9]
        assert all(line.startswith("   | ") and kind in line for line in block)
        assert (shell.folder / log).read_text().count(kind) == 8


def test_changes_leaves_out_what_is_up_to_date(mixed):
    done = mixed("changes")
    assert not [line for line in done.lines if line.startswith("--")]
    assert ".  tokenizer:vocab  (it was forgotten)" in done.lines
    assert "up to date" in done.lines[-1]


@pytest.mark.parametrize("reporter", ["forgather", "plain", "json", "github", "junit"])
def test_nothing_to_do(reporter, shell):
    shell.forgather("build", "model", "tokenizer")
    done = shell.forgather("build", "--reporter", reporter, "model", "tokenizer")
    assert (done.code, done.err) == (0, "")
    expected = {
        "json": '"current": 10',
        "junit": 'tests="10" failures="0"',
        "github": "::group::10 tasks up to date",
    }
    assert expected.get(reporter, "10 up to date") in done.out


def interrupted(shell, hook, *arguments, begun):
    """A build that gets Ctrl-C once its steps have begun, as a terminal sends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "forgather.cli", "build", "-a", *arguments],
        cwd=shell.folder,
        env=shell.environment(CHEAP_HOOK=str(hook)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    end = time.monotonic() + 60
    while not all((shell.folder / f"{name}.begun").exists() for name in begun):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_lets_every_step_end_and_tells_which_there_were(jobs, shell, tmp_path):
    hook = tmp_path / "hook.py"
    hook.write_text(WAIT)
    begun = ("model", "corpus")[:jobs]
    options = ["-n", "2"] if jobs == 2 else []
    code, out, err = interrupted(
        shell, hook, *options, "--reporter", "json", "model:net", "dataset:corpus", begun=begun
    )
    last = json.loads(out.splitlines()[-1])
    assert code == 130 and "Traceback" not in err
    assert (
        set(last["interrupted"]) == {"model:net", "dataset:corpus"} if jobs == 2 else {"model:net"}
    )
    for name in begun:
        (shell.folder / f"{name}.begun").unlink()
        (shell.folder / f"{name}.saved").unlink()  # it was there
        assert f"{name} was stopped" in err
    assert shell.forgather("build", "model", "dataset").code == 0


def on_a_terminal(shell, *arguments):
    """What a terminal of 80 columns gets, and the exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(shell.folder)
        environment = shell.environment(TERM="xterm", COLUMNS="80", LINES="24")
        environment.pop("NO_COLOR", None)
        os.execve(sys.executable, [sys.executable, "-m", "forgather.cli", *arguments], environment)
    written = b""
    while True:
        select.select([terminal], [], [], 60)
        try:
            part = os.read(terminal, 65536)
        except OSError:  # its last writer is gone
            break
        if not part:
            break
        written += part
    os.close(terminal)
    return written.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_terminal_has_progress_reasons_and_time_left(jobs, shell, tmp_path, monkeypatch):
    hook = tmp_path / "hook.py"
    hook.write_text(NOISE)
    monkeypatch.setenv("CHEAP_HOOK", str(hook))
    options = ["-n", "2"] if jobs == 2 else []
    for _ in range(2):  # how long it takes is known the second time
        text, code = on_a_terminal(shell, "build", "-a", *options, "model:net", "tokenizer:vocab")
        assert code == 0, text
    plain = ESCAPES.sub("", text)
    lines = [part for line in plain.split("\n") for part in line.rstrip("\r").split("\r")]
    assert all(len(line) <= 80 for line in lines)
    assert any(re.match(r"built    model:net +\S+ s  it was asked for again", x) for x in lines)
    assert " left" in plain
    assert re.search(r"\d+ of 9 tasks" if jobs == 2 else r"running  model:net +\d of 9", plain)
    assert ("  | model 3" in plain) == (jobs == 2)
    assert lines[-2].startswith("built 9, ")


def test_a_terminal_names_what_was_mended(shell):
    shell.forgather("build", "model")
    (shell.folder / "build" / "net" / "model" / "weight.txt").unlink()
    text, code = on_a_terminal(shell, "build", "model")
    assert code == 0
    assert "restored model:net  build/net/model/weight.txt is missing" in ESCAPES.sub("", text)


def test_a_terminal_shows_an_error_with_its_line(mixed, shell):
    text, code = on_a_terminal(shell, "build", "model:net")
    assert code == 1
    assert f"{NET}:{NET_LINE}: error[FG307]" in ESCAPES.sub("", text).replace("\r\n", "")
