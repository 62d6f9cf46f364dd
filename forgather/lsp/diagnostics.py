"""Findings of ``forgather check``, by the file that they are in.

One mistake in a base template is found through every config that extends it, and shown once. A config
without findings clears those it had before.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from forgather.lsp.projects import Projects
from forgather.view.check.config import Job, check_config
from forgather.view.check.findings import Finding
from forgather.view.check.modules import forget_sources

_WORD = re.compile(r"[\w./@:-]+")


class Diagnostics:
    """The findings known now."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects
        self._by_job: dict[Job, list[Finding]] = {}

    def check(self, path: str) -> dict[str, list[Finding]]:
        """Check every config that uses the file; findings of all files for which they changed.

        The file itself is always among them, so that an editor that waits for an answer gets one.
        """
        self._projects.forget()
        forget_sources()
        touched = {os.path.realpath(path)}
        for job in self._gone():
            touched.update(map(self._file, self._by_job.pop(job)))
        for job in self._projects.jobs(path):
            touched.update(map(self._file, self._by_job.get(job, ())))
            self._by_job[job] = check_config(job)
            touched.update(map(self._file, self._by_job[job]))
        return {file: self._of_file(file) for file in sorted(touched)}

    def _gone(self) -> list[Job]:
        """Checked configs that were removed or renamed since."""
        return [
            job
            for job in self._by_job
            if job.config
            and self._projects.meta(job.project_dir) is not None
            and job.config not in self._projects.configs(job.project_dir)
        ]

    def _of_file(self, file: str) -> list[Finding]:
        found: dict[tuple, Finding] = {}
        for findings in self._by_job.values():
            for finding in findings:
                if self._file(finding) == file:
                    found.setdefault(finding.key(), finding)
        return sorted(found.values(), key=lambda finding: line_of(finding))

    def _file(self, finding: Finding) -> str:
        """The file to show a finding in: its own, else that of its config, else meta.yaml."""
        if finding.where is not None and finding.where.path is not None:
            return os.path.realpath(finding.where.path)
        file = self._projects.config_file(finding.project, finding.config)
        if file is not None:
            return os.path.realpath(file)
        return os.path.realpath(os.path.join(finding.project, "meta.yaml"))


def line_of(finding: Finding) -> int:
    """0-based; the first line where nothing better is known."""
    return finding.where.line - 1 if finding.where and finding.where.path else 0


def extent(finding: Finding, lines: Iterable[str]) -> tuple[int, int, int]:
    """(line, start, end), 0-based: the word at the column, else the line without its indentation."""
    line = line_of(finding)
    text = dict(enumerate(lines)).get(line, "").rstrip("\r\n")
    column = finding.where.column if finding.where else None
    if column is not None and column <= len(text):
        word = _WORD.match(text, column - 1)
        return line, column - 1, word.end() if word else column
    return line, len(text) - len(text.lstrip()), len(text.rstrip())


def message(finding: Finding) -> str:
    return f"{finding.message}\n{finding.hint}" if finding.hint else finding.message
