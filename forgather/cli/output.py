"""Where text goes: the terminal, a file (``-o``), an editor (``-e``). Colour only on terminals."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from forgather.errors import ForgatherError, UsageError

if TYPE_CHECKING:
    from argparse import Namespace

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

PAINTED = re.compile(r"\x1b\[\d+m")


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """``text`` in colour where ``stream`` is a terminal and NO_COLOR is not set."""
    stream = stream or sys.stdout
    if "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb" or not stream.isatty():
        return text
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """One piece of output on stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def note(text: str) -> None:
    """What is not output: goes to stderr, so that pipes stay clean."""
    sys.stderr.write(text + "\n")


def report(error: ForgatherError) -> None:
    """An error for the user, on stderr."""
    head, newline, rest = error.render().partition("\n")
    note(paint(head, "red", sys.stderr) + newline + rest)


def to_json(data: Any) -> str:
    import json

    return json.dumps(data, indent=2, ensure_ascii=False)


def deliver(text: str, args: Namespace, *, name: str, suffix: str) -> None:
    """Print ``text``, or put it where ``-o`` and ``-e`` say. ``name`` is the stem of a ``-e`` file."""
    target = getattr(args, "output_file", None)
    edit = getattr(args, "edit", False)
    if target is None and not edit:
        say(text)
        return
    path = Path(target) if target is not None else Path("tmp") / f"{name}{suffix}"
    text = PAINTED.sub("", text)
    write_file(path, text if text.endswith("\n") else text + "\n")
    note(f"Wrote output to {path}")
    if edit:
        from forgather.cli.editor import open_in_editor

        open_in_editor(path)


def write_file(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
