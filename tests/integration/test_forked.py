"""How forks end: always as a process of their own, with the code that ``sys.exit`` would give."""

from __future__ import annotations

import sys
from typing import NoReturn

import doit.cmd_run  # noqa: F401 - a fork sets its output right
import pytest

from tests.integration import forked


def fail() -> NoReturn:
    raise ValueError("no such thing")


class Full:
    """An output on a disk that is full."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> NoReturn:
        raise OSError("no space left")


def lose_output() -> int:
    sys.stdout = Full()
    return 0


def lose_message() -> NoReturn:
    sys.stderr = None
    sys.stdout = Full()
    raise ValueError("nobody hears it")


@pytest.mark.parametrize(
    ("function", "code"),
    [
        (lambda: 0, 0),
        (lambda: 3, 3),
        (lambda: None, 0),
        (lambda: "a text", 1),
        (fail, 70),
        (lose_output, 70),
        (lose_message, 70),
    ],
    ids=["0", "3", "None", "text", "raises", "full disk", "no output at all"],
)
def test_a_fork_ends_with_the_code_of_its_function(function, code, tmp_path):
    done = forked.wait(forked.start_call(tmp_path, function, {}, tmp_path), tmp_path)
    assert done.code == code
    assert ("ValueError: no such thing" in done.output) == (function is fail)
