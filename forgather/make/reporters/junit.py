"""A JUnit XML report: one test case a task, for the viewers of CI systems.

The document is written when the build is over. Into a file (``-o``) it goes whole or not at all.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from typing import Any

from forgather.make.logs import tail
from forgather.make.reporters.base import Base
from forgather.make.reporters.result import (
    CURRENT,
    FAILED,
    RESTORED,
    SKIPPED,
    Problem,
    Result,
    Totals,
    relative,
)

LOG_LINES = 1000
# What XML 1.0 cannot hold, not even escaped.
ILLEGAL = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class JUnit(Base):
    for_programs = True
    logs_actions = True

    def closed(self, totals: Totals) -> None:
        text = self._document(totals)
        stream = self.out.stream
        name = None if stream in (sys.stdout, sys.__stdout__) else getattr(stream, "name", None)
        if isinstance(name, str) and os.path.isfile(name):
            with open(f"{name}.part", "w", encoding="utf-8") as stream:
                stream.write(text)
            os.replace(f"{name}.part", name)
        else:
            self.out.write(text)
            self.out.flush()

    def refused(self, problem: Problem) -> None:
        self.closed(Totals(Counter(), 0.0, errors=(problem.text,)))

    def _document(self, totals: Totals) -> str:
        from xml.etree import ElementTree

        suite = ElementTree.Element(
            "testsuite",
            name="forgather build",
            tests=str(len(self.results) + len(totals.interrupted)),
            failures=str(totals.counts[FAILED]),
            errors=str(len(totals.interrupted) + len(totals.errors)),
            skipped=str(totals.counts[SKIPPED]),
            time=f"{totals.seconds:.3f}",
        )
        for result in self.results:
            _case(suite, result, self.root)
        for name in totals.interrupted:
            case = ElementTree.SubElement(suite, "testcase", classname=_kind(name), name=name)
            ElementTree.SubElement(case, "error", message="interrupted")
        if totals.errors:
            ElementTree.SubElement(suite, "system-err").text = _clean("\n".join(totals.errors))
        suites = ElementTree.Element("testsuites", name="forgather")
        suites.append(suite)
        ElementTree.indent(suites)
        body = ElementTree.tostring(suites, encoding="unicode")
        return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _case(suite: Any, result: Result, root: Any) -> None:
    from xml.etree.ElementTree import SubElement

    attributes = {
        "classname": _kind(result.name),
        "name": _clean(result.name),
        "time": f"{result.seconds:.3f}",
    }
    problem = result.problem
    if problem is not None and problem.where is not None:
        attributes["file"] = relative(problem.where.path or problem.where.template, root)
        attributes["line"] = str(problem.where.line)
    case = SubElement(suite, "testcase", attributes)
    if problem is not None:
        failure = SubElement(
            case, "failure", message=_clean(problem.message), type=problem.code or "failure"
        )
        failure.text = _clean(problem.text)
    elif result.outcome == SKIPPED:
        SubElement(case, "skipped", message=_clean(result.reason))
    told = [{CURRENT: "up to date", RESTORED: "restored from a cache"}.get(result.outcome, "")]
    is_why = bool(result.reason) and problem is None and result.outcome != SKIPPED
    told += [f"reason: {result.reason}"] if is_why else []
    if result.log is not None:
        lines, more = tail(result.log, LOG_LINES)
        before = f", {more} lines before these" if more else ""
        told += [f"{relative(result.log, root)}{before}", *lines]
    if text := "\n".join(line for line in told if line):
        SubElement(case, "system-out").text = _clean(text)


def _kind(name: str) -> str:
    return f"forgather.{_clean(name.partition(':')[0])}"


def _clean(text: str) -> str:
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", COLOURS.sub("", text))
