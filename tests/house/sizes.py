"""Size walls: a module over 600 lines or a function over 80 is refused.

Over 400 lines a module must say in its docstring why it is long ("long because ..."); without it
there is a warning. Run it: ``python -m tests.house.sizes``.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.house.sources import Source, sources

MODULE_WALL = 600
MODULE_REASON = 400
FUNCTION_WALL = 80
REASON = re.compile(r"\b(long|large|one (file|module|table))\b[^.]*\bbecause\b", re.I | re.S)


@dataclass(frozen=True)
class Finding:
    place: str
    message: str
    refused: bool


def check(files: Iterable[Source]) -> Iterator[Finding]:
    for source in files:
        yield from _module(source)
        yield from _functions(source)


def _module(source: Source) -> Iterator[Finding]:
    lines = source.text.count("\n")
    if lines > MODULE_WALL:
        yield Finding(source.name, f"{lines} lines; the wall is {MODULE_WALL}", True)
    elif lines > MODULE_REASON and not REASON.search(ast.get_docstring(source.tree) or ""):
        message = f"{lines} lines; over {MODULE_REASON} the docstring says 'long because ...'"
        yield Finding(source.name, message, False)


def _functions(source: Source) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = node.end_lineno - node.lineno + 1
            if lines > FUNCTION_WALL:
                place = f"{source.name}:{node.lineno}"
                message = f"{node.name}() has {lines} lines; the wall is {FUNCTION_WALL}"
                yield Finding(place, message, True)


def main() -> int:
    findings = list(check(sources()))
    for finding in findings:
        print(f"{finding.place}: {'error' if finding.refused else 'warning'}: {finding.message}")
    return int(any(finding.refused for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
