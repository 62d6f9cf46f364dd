"""Parts of reporters with known answers; whole builds are in ``tests/integration/test_reporters.py``."""

import io
import os

import pytest

from forgather.errors import BuildError, Span
from forgather.launch.reported import ReportedError, as_data
from forgather.make.front.outlet import Outlet
from forgather.make.logs import is_empty, log_path, tail
from forgather.make.reporters.durations import Durations
from forgather.make.reporters.github import annotation, escape
from forgather.make.reporters.result import BUILT, Problem, Result, Totals, duration, shorten


def built(name, seconds):
    return Result(name, BUILT, seconds=seconds)


def test_time_left_is_that_of_the_last_builds(tmp_path):
    (tmp_path / "build" / "log").mkdir(parents=True)
    durations = Durations(tmp_path / "build")
    assert durations.left(["model:a"], []) is None
    durations.keep([built("model:a", 10.0), built("model:b", 20.0), built("pp:a", 0.001)])
    again = Durations(tmp_path / "build")
    assert again.left(["model:a"], [("model:b", 5.0)]) == 25.0
    assert again.left(["model:new"], []) == 15.0  # as long as others of its kind
    assert again.left(["model:a", "train:a"], []) == 20.0  # of an unknown kind, as the others here
    assert again.left([], [("model:a", 99.0)]) == 0.0


def test_damaged_durations_are_none(tmp_path):
    (tmp_path / "build" / "log").mkdir(parents=True)
    (tmp_path / "build" / "log" / "durations.json").write_text('{"model:a": []}')
    assert Durations(tmp_path / "build").left(["model:a"], []) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 01 s"), (7322, "2 h 02 min")],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_reasons_and_totals_in_one_line():
    assert shorten(("a", "b", "c")) == "a and 2 more" and shorten(()) == ""
    from collections import Counter

    totals = Totals(Counter(built=2, current=3, failed=1), 4.25, interrupted=("x",))
    assert totals.line() == "built 2, failed 1, interrupted 1, 3 up to date, 4.2 s"
    assert Totals(Counter(), 0).line() == "nothing to do, 0.0 s"


def test_annotations_are_one_line_whatever_stands_in_them(tmp_path):
    where = Span("a.yaml", 3, 5, str(tmp_path / "a,b: 100%.yaml"), "text")
    error = BuildError("first\nsecond", where=where, hint="50% more", code="FG600")
    line = annotation("pp:x", Problem.of(error), tmp_path)
    assert line == (
        "::error file=a%2Cb%3A 100%25.yaml,line=3,col=5,title=FG600::"
        "pp:x: first%0Asecond%0Ahint: 50%25 more"
    )
    assert escape("\r") == "%0D"


def test_an_error_of_a_worker_is_the_same_error_in_the_build():
    where = Span("configs/a.yaml", 9, None, "/x/a.yaml")
    error = BuildError("it failed", where=where, hint="mend it", code="FG307")
    again = ReportedError(as_data(error, error.render() + "\nraised at b.py"))
    assert (again.message, again.where, again.hint, again.code) == (
        "it failed", where, "mend it", "FG307",
    )  # fmt: skip
    assert again.render() == f"{error.render()}\nraised at b.py"


def test_a_log_is_shown_as_a_terminal_would_have_left_it(tmp_path):
    log = tmp_path / "x.log"
    log.write_bytes(b"one\r\n 10%\r 50%\r100%\nthree\n\xff\n")
    assert tail(log) == (["one", "100%", "three", "\N{REPLACEMENT CHARACTER}"], 0)
    assert tail(log, 2) == (["three", "\N{REPLACEMENT CHARACTER}"], 2)
    assert not is_empty(log) and is_empty(tmp_path / "none")
    assert log_path(tmp_path, "pp:a/b").name == "pp-a+b.log"


def test_an_outlet_outlives_its_reader():
    reader, writer = os.pipe()
    outlet = Outlet(os.fdopen(writer, "w"))
    os.close(reader)
    for _ in range(3):
        outlet.write("nobody reads this\n")
        outlet.flush()
    outlet.stream.close()
    kept = io.StringIO()
    Outlet(kept).write("this is read")
    assert kept.getvalue() == "this is read"
