"""Each mistake of the table gets one message: where, what, and what to do; and never a traceback."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from forgather.cli.main import main
from tests.mistakes import EXACT, LINE, MISTAKES, WORKSPACE, Mistake


def written(root: Path, files: dict[str, str | None]) -> str | None:
    """Write the files; the marked place as the message has it, ``path:line`` or ``path:line:column``."""
    place = None
    for name, text in files.items():
        if text is None:
            continue
        for mark in (EXACT, LINE):
            before, found, after = text.partition(mark)
            if found:
                column = f":{len(before.rpartition(chr(10))[2]) + 1}" if mark == EXACT else ""
                place = f"{root / name}:{before.count(chr(10)) + 1}{column}"
                text = before + after
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return place


@pytest.mark.parametrize("row", MISTAKES, ids=lambda row: row.name)
def test_a_mistake_gets_its_message(
    row: Mistake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = written(tmp_path, {**WORKSPACE, **row.files})
    monkeypatch.chdir(tmp_path / row.below)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))

    status = main(shlex.split(row.command))

    captured = capsys.readouterr()
    output = (captured.out if row.command == "check" else "") + captured.err
    assert status == row.status, output
    assert f"[{row.code}]: " in output, output
    if place is not None:
        assert re.search(rf"{re.escape(place)}(?!\d)", output), f"{place} is not named:\n{output}"
    for fragment in (row.message, row.hint, *row.shown):
        assert fragment in output, f"{fragment!r} is not said:\n{output}"
    if row.hint:
        assert row.hint in output.partition("hint: ")[2], output
    for link in row.chain:
        assert f"included from {tmp_path / link}" in output, output
    assert "Traceback" not in output
    assert "<template" not in output and "jinja2" not in output


def test_rows_have_names_of_their_own() -> None:
    names = [row.name for row in MISTAKES]
    assert len(names) == len(set(names))
