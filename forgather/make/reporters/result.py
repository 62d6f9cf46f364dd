"""What is known of a task when it has ended, as plain data."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from forgather.errors import ForgatherError, Span

BUILT, RESTORED, CURRENT = "built", "restored", "current"
FAILED, SKIPPED = "failed", "skipped"
OUTCOMES = (BUILT, RESTORED, CURRENT, FAILED, SKIPPED)


class Problem(NamedTuple):
    """Why a task failed. ``text`` is the whole message as a terminal shows it."""

    message: str
    text: str
    code: str | None = None
    hint: str | None = None
    where: Span | None = None

    @classmethod
    def of(cls, error: ForgatherError) -> Problem:
        return cls(error.message, error.render(), error.code, error.hint, error.where)


class Result(NamedTuple):
    """One task that has ended, or that the build did not come to."""

    name: str
    outcome: str
    reasons: tuple[str, ...] = ()
    seconds: float = 0.0
    log: Path | None = None
    problem: Problem | None = None

    @property
    def reason(self) -> str:
        return shorten(self.reasons)


def shorten(reasons: tuple[str, ...]) -> str:
    """One line for any number of reasons; nothing for none."""
    more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}" if reasons else ""


class Totals(NamedTuple):
    """How a build ended."""

    counts: Counter[str]
    seconds: float
    interrupted: tuple[str, ...] = ()  # tasks that were running when the build was cut off
    errors: tuple[str, ...] = ()  # errors of the build itself, not of a task

    def line(self) -> str:
        """``built 3, restored 2, 12 up to date, 4.2 s``."""
        parts = [f"{word} {self.counts[word]}" for word in (BUILT, RESTORED) if self.counts[word]]
        parts += [f"{word} {self.counts[word]}" for word in (FAILED, SKIPPED) if self.counts[word]]
        if self.interrupted:
            parts.append(f"interrupted {len(self.interrupted)}")
        if self.counts[CURRENT]:
            parts.append(f"{self.counts[CURRENT]} up to date")
        return ", ".join([*(parts or ["nothing to do"]), duration(self.seconds)])


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def relative(path: str | os.PathLike[str], top: Path) -> str:
    """``path`` as seen from ``top``, with forward slashes; what lies elsewhere stays whole."""
    seen = os.path.relpath(path, top)
    return str(path) if seen.startswith("..") else seen.replace(os.sep, "/")


def place(where: Span, top: Path) -> dict[str, Any]:
    """A span as data: its template, file below ``top`` (or whole), line and column."""
    return {
        "template": where.template,
        "file": relative(where.path, top) if where.path else None,
        "line": where.line,
        "column": where.column,
    }
