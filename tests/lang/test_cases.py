"""Golden cases of the language: every file below ``tests/cases/lang`` is a test.

A case is some template files and what comes out::

    # a sentence on the rule
    === main.yaml               a template, up to the next marker; it ends with a newline
    === sub/other.yaml \\        with a backslash: without a final newline
    === vars                    a Python dict: variables of the templates, and of !var
    >>> path one two            directories below which the files are; "." by default
    >>> jinja 'text'            main.yaml after line statements and blocks
    >>> text 'text'             the rendered text, as a Python literal
    >>> value {...}             what the graph materializes to, as a Python literal
    >>> dump                    the graph, as fconfig shows it, up to the next marker
    >>> same a b.c              graph paths that are one node
    >>> error FG101 main.yaml:3:5   code and place (column optional) of the error
    >>> says words              words of the error's message, or hint
    >>> chain main.yaml:1 ...   places that led to the template of the error
    >>> warning FG140 main.yaml:3
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from forgather.config import Config, ConfigEnvironment
from forgather.errors import ForgatherError, Span
from forgather.graph.materialize import materialize
from forgather.graph.show import fconfig
from forgather.graph.walk import walk
from forgather.lang.compiler import translate
from forgather.lang.source import split

CASES = Path(__file__).parents[1] / "cases" / "lang"
_MARKER = re.compile(r"(===|>>>) (\S+)(?: (.*))?")


class Case:
    def __init__(self, path: Path, directory: Path) -> None:
        self.directory = directory
        self.files: dict[str, str] = {}
        self.variables: dict[str, object] = {}
        self.expected: list[tuple[str, str, str]] = []  # kind, rest of the line, body
        self.searchpath = ["."]
        head, *parts = re.split(r"(?m)^(?=(?:===|>>>) )", path.read_text(encoding="utf-8"))
        assert head.startswith("# "), "a case begins with a comment"
        for part in parts:
            line, _, body = part.partition("\n")
            match = _MARKER.fullmatch(line)
            assert match, line
            self._take(match[1], match[2], match[3] or "", body)
        for name, text in self.files.items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def _take(self, marker: str, word: str, rest: str, body: str) -> None:
        if marker == "===" and word == "vars":
            self.variables = ast.literal_eval(body)
        elif marker == "===":
            self.files[word] = body.removesuffix("\n") if rest == "\\" else body
        elif word == "path":
            self.searchpath = rest.split()
        else:
            self.expected.append((word, rest, body))

    def load(self) -> Config:
        paths = [self.directory / path for path in self.searchpath]
        return ConfigEnvironment(paths).load("main.yaml", **self.variables)

    def place(self, span: Span | None, column: bool = False) -> str:
        if span is None:
            return "nowhere"
        name = span.template
        if span.path:
            name = Path(span.path).relative_to(self.directory).as_posix()
        return f"{name}:{span.line}" + (f":{span.column}" if column else "")


@pytest.mark.parametrize(
    "path", sorted(CASES.rglob("*.txt")), ids=lambda path: path.relative_to(CASES).as_posix()[:-4]
)
def test_case(path: Path, tmp_path: Path) -> None:
    case = Case(path, tmp_path)
    kinds = {kind for kind, _, _ in case.expected}
    assert kinds, "a case expects something"
    if "error" in kinds:
        with pytest.raises(ForgatherError) as caught:
            config = case.load()
            if "main.yaml" in case.files:
                materialize(config.config, None, case.variables)
        for kind, rest, _ in case.expected:
            _check_error(case, caught.value, kind, rest)
        return
    for kind, rest, body in case.expected:
        _CHECKS[kind](case, rest, body)


def _check_error(case: Case, error: ForgatherError, kind: str, rest: str) -> None:
    if kind == "error":
        code, place = rest.split()
        with_column = place.count(":") == 2
        assert (error.code, case.place(error.where, with_column)) == (code, place), error.render()
        if error.where and error.where.path and error.where.text is not None:
            line = Path(error.where.path).read_text(encoding="utf-8").split("\n")
            assert error.where.text == line[error.where.line - 1]
    elif kind == "says":
        assert rest in f"{error.message}\n{error.hint}", error.render()
    elif kind == "chain":
        assert [case.place(span) for span in error.chain] == rest.split()
    else:
        raise AssertionError(f"{kind!r} does not go with an error")


def _check_jinja(case: Case, rest: str, body: str) -> None:
    assert translate(split(case.files["main.yaml"], "main.yaml")[0]) == ast.literal_eval(rest)


def _check_text(case: Case, rest: str, body: str) -> None:
    paths = [case.directory / path for path in case.searchpath]
    text = ConfigEnvironment(paths).preprocess("main.yaml", **case.variables)
    assert str(text) == ast.literal_eval(rest)


def _check_value(case: Case, rest: str, body: str) -> None:
    made = materialize(case.load().config, None, case.variables)
    expected = ast.literal_eval(rest)
    assert made == expected
    # 1 == True == 1.0: types count, too, and so does the order of keys.
    assert repr(made) == repr(expected)


def _check_dump(case: Case, rest: str, body: str) -> None:
    assert fconfig(case.load().config) == body.rstrip("\n")


def _check_same(case: Case, rest: str, body: str) -> None:
    config = case.load().config
    first, second = rest.split()
    places = {visit.path: visit.value for visit in walk(config)}
    parent, _, key = second.rpartition(".")
    owner = places[parent] if parent else config
    value = owner[key] if isinstance(owner, dict) else owner.kwargs[key]
    assert value is places[first]


def _check_warning(case: Case, rest: str, body: str) -> None:
    found = [f"{error.code} {case.place(error.where)}" for error in case.load().warnings]
    assert found == ([rest] if rest else [])


_CHECKS = {
    "jinja": _check_jinja,
    "text": _check_text,
    "value": _check_value,
    "dump": _check_dump,
    "same": _check_same,
    "warning": _check_warning,
}
