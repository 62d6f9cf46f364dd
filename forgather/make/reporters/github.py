"""For GitHub Actions: errors as annotations at template lines, output in groups, a summary page.

What a task wrote is shown between ``stop-commands`` marks: a log that happens to hold a workflow
command must not give one.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from forgather.make.logs import tail
from forgather.make.reporters.base import Running
from forgather.make.reporters.plain import Plain
from forgather.make.reporters.result import (
    CURRENT,
    FAILED,
    RESTORED,
    SKIPPED,
    Problem,
    Result,
    Totals,
    duration,
    relative,
)

LOG_LINES = 1000  # more than a terminal wants: on the page a group is folded
ROWS = 200  # tasks listed in the summary; GitHub refuses pages over 1 MiB


class GitHub(Plain):
    logs_actions = True

    def __init__(self, outstream: Any, options: dict[str, Any] | None = None) -> None:
        super().__init__(outstream, options)
        self.summary_file = os.environ.get("GITHUB_STEP_SUMMARY")

    def opened(self, tasks: dict[str, Any], selected: list[str]) -> None:
        for word, names in (
            (f"{len(self.summary.restored)} tasks restored from a cache", self.summary.restored),
            (f"{len(self.summary.current)} tasks up to date", self.summary.current),
        ):
            if names:
                self._group(word, names)

    def began(self, task: Any, running: Running) -> None:
        """Nothing: the log is read afterwards, and each task has its line when it has ended."""

    def ended(self, task: Any, result: Result) -> None:
        title = f"{result.outcome} {result.name}"
        if result.outcome not in (CURRENT, SKIPPED):
            title += f", {duration(result.seconds)}"
        title += f"  ({result.reason})" if result.reason else ""
        if result.log is not None:
            lines, more = tail(result.log, LOG_LINES)
            head = [f"... {more} lines before these in {relative(result.log, self.root)}"]
            self._group(title, [*(head if more else []), *lines])
        else:
            self._write(_harmless(title))
        if result.problem is not None:
            if result.log is None:
                self._group("the whole message", result.problem.text.splitlines())
            self._write(annotation(result.name, result.problem, repository(self.root)))

    def closed(self, totals: Totals) -> None:
        for text in totals.errors:
            self._write(f"::error title=build::{escape(text.strip())}")
        for name in totals.interrupted:
            self._write(_harmless(f"interrupted {name}"))
        self._write(totals.line())
        if self.summary_file:
            with open(self.summary_file, "a", encoding="utf-8") as stream:
                stream.write(page(self.results, totals, repository(self.root)))

    def refused(self, problem: Problem) -> None:
        self._write(annotation("build", problem, repository(self.root)))

    def _group(self, title: str, lines: list[str]) -> None:
        text = "\n".join(lines)
        mark = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
        body = f"::stop-commands::{mark}\n{text}\n::{mark}::" if text else ""
        self._write(f"::group::{escape(title)}\n{body}\n::endgroup::")


def annotation(name: str, problem: Problem, top: Path) -> str:
    """The workflow command that puts an error beside the line that caused it."""
    properties = {}
    if problem.where is not None:
        file = problem.where.path or problem.where.template
        properties = {"file": relative(file, top), "line": problem.where.line}
        if problem.where.column:
            properties["col"] = problem.where.column
    properties["title"] = problem.code or name
    message = f"{name}: {problem.message}"
    if problem.hint:
        message += f"\nhint: {problem.hint}"
    listed = ",".join(f"{key}={escape_property(str(v))}" for key, v in properties.items())
    return f"::error {listed}::{escape(message)}"


def escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    return escape(text).replace(":", "%3A").replace(",", "%2C")


def _harmless(line: str) -> str:
    """A line of ours that no name in it can turn into a command."""
    return escape(line).lstrip(":")


def repository(root: Path) -> Path:
    """What annotations are relative to: the checkout, else the nearest git repository."""
    if workspace := os.environ.get("GITHUB_WORKSPACE"):
        return Path(workspace)
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def page(results: list[Result], totals: Totals, top: Path) -> str:
    """The step's summary in Markdown: counts, failures with their places, what was built."""
    lines = ["### Build", "", totals.line(), ""]
    failed = [result for result in results if result.outcome == FAILED]
    for result in failed:
        lines += [f"**{_cell(result.name)}** failed", "", *_fenced(result, top), ""]
    told = [result for result in results if result.outcome not in (CURRENT, RESTORED, FAILED)]
    if told:
        lines += ["| task | | reason | time |", "|---|---|---|---:|"]
        for result in told[:ROWS]:
            cells = (result.name, result.outcome, result.reason, duration(result.seconds))
            lines.append(f"| {' | '.join(map(_cell, cells))} |")
        if len(told) > ROWS:
            lines.append(f"| and {len(told) - ROWS} more | | | |")
        lines.append("")
    return "\n".join([*lines, ""])


def _fenced(result: Result, top: Path) -> list[str]:
    assert result.problem is not None
    fence = "`" * max(3, _longest_run(result.problem.text) + 1)
    return [fence, result.problem.text.replace(f"{top}{os.sep}", ""), fence]


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return escaped.replace("\n", " ")
