"""Every line of a rendered config knows the template and line it came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forgather.config import Config, ConfigEnvironment
from forgather.lang import mapped
from forgather.lang.mapped import Mapped
from forgather.project import Project
from forgather.resources import forgather_dir
from forgather.workspace import find_projects

FILES = {
    "main.yaml": """\
## The config of a test.
-- extends 'base.yaml'
-- set width = 3

[head]
    == super()
extra: {{ width }}

[body]
    => super()
    - added   ## with a comment
    -- for i in range(2)
    - {{ i }}
    -- endfor
    -- include 'main.part'

[tail!]

trimmed: 1

#------------- main.part --------------
-- filter indent(4, true)
- from
- part
-- endfilter
""",
    "base.yaml": """\
-- set ns = namespace()
-- from 'macros.jinja' import banner
== banner('title')
[head]
a: 1

[body]
b:
    - x

[tail]
last: |
    text
      of lines
""",
    "macros.jinja": """\
-- macro banner(name)
# ------------
# {{ name }}
# ------------
-- endmacro
""",
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return ConfigEnvironment(tmp_path).load("main.yaml")


def test_each_line_has_its_place(config: Config) -> None:
    places = {
        line.strip(): (span.template, span.line)
        for line, span in zip(config.pp_config.split("\n"), config.source_map, strict=True)
        if span
    }
    assert places["# title"] == ("macros.jinja", 3)
    assert places["a: 1"] == ("base.yaml", 5)
    assert places["extra: 3"] == ("main.yaml", 7)
    assert places["- x"] == ("base.yaml", 9)
    assert places["- added"] == ("main.yaml", 11)
    assert places["- 0"] == ("main.yaml", 13)
    assert places["- 1"] == ("main.yaml", 13)
    assert places["- part"] == ("main.part", 24)
    assert places["trimmed: 1"] == ("main.yaml", 19)
    assert set(places) >= {line.strip() for line in config.pp_config.split("\n") if line.strip()}


def test_spans_of_the_graph(config: Config) -> None:
    span = config.spans["b[1]"]
    assert (span.template, span.line, span.column) == ("main.yaml", 11, 7)
    assert config.spans["b[4]"].template == "main.part"
    assert config.spans["trimmed"].text == "trimmed: 1"


def _check_whole(config: Config) -> None:
    """Non-blank lines have a place, and what was copied is there in the template."""
    sections = config.rendered.sections
    for line, origin in zip(config.source_map.lines, config.source_map.origins, strict=True):
        if not line.strip():
            continue
        assert origin is not None
        source = sections[origin.template].lines
        assert 1 <= origin.line <= len(source)
        if origin.literal:
            # The template's line may go on with an expression or a comment, and may be indented
            # differently only by a filter; the text copied first is there.
            first = line.split()[0]
            assert first.split("{")[0] in source[origin.line - 1]


@pytest.mark.parametrize(
    "project", sorted(find_projects(forgather_dir() / "examples")), ids=lambda path: Path(path).name
)
def test_every_line_of_every_example(project: str) -> None:
    _check_whole(Project("", project).loaded)


LINES = st.lists(
    st.sampled_from(
        [
            "k: v",
            "    - item",
            "",
            "## comment",
            "k: v ## comment",
            "-- set x = 1",
            "[name{n}]",
            "    [inner{n}]",
            "{# one #}",
            "-- if true",
            "-- endif",
            "<< if true",
            ">> endif",
            "== 'p: 1\\nq: 2'",
            "a {{ 1 }} b",
            "# text",
            "-- raw",
            "-- endraw",
            "{{ 'x'",
            "  ~ 'y' }} z",
        ]
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=150)
@given(LINES)
def test_literal_lines_are_exact(lines: list[str]) -> None:
    """Any mixture of lines that renders: a line that is all copied equals its template's line."""
    from forgather.errors import ForgatherError

    text = "\n".join(line.replace("{n}", str(n)) for n, line in enumerate(lines))
    try:
        rendered = ConfigEnvironment([])._renderer.render_text(text)
    except ForgatherError:
        return
    source = text.split("\n")
    for line, origin in zip(rendered.source_map.lines, rendered.source_map.origins, strict=True):
        if not line.strip():
            continue
        assert origin is not None
        if origin.literal and line in ("k: v", "    - item", "# text"):
            assert source[origin.line - 1].startswith(line)


class TestMapped:
    def text(self) -> Mapped:
        return mapped.join([mapped.literal("a\nb\n", "t", 3), "x", mapped.computed(7, "u", 9)])

    def test_lengths_add_up(self) -> None:
        text = self.text()
        assert text == "a\nb\nx7"
        assert sum(piece.length for piece in text.pieces) == len(text)

    def test_cut_counts_lines(self) -> None:
        piece = mapped.cut(self.text(), 2, 4).pieces[0]
        assert (piece.template, piece.line, piece.length) == ("t", 4, 2)

    def test_trim_is_that_of_str(self) -> None:
        text = mapped.literal("  x \n", "t", 1)
        assert mapped.trim(text) == "x"
        assert mapped.trim(text, "\n") == "  x "
        assert mapped.trim(" y ") == "y"
        assert mapped.trim(mapped.literal("   ", "t", 1)) == ""

    @given(st.text(alphabet="ab \n", max_size=12), st.booleans(), st.booleans())
    def test_indent_is_that_of_jinja(self, text: str, first: bool, blank: bool) -> None:
        from jinja2.filters import do_indent

        expected = do_indent(text, 2, first, blank)
        assert mapped.indent(text, 2, first, blank) == expected
        known = mapped.indent(mapped.literal(text, "t", 1), 2, first, blank)
        assert known == expected
        assert sum(piece.length for piece in known.pieces) == len(expected)

    def test_none_is_null(self) -> None:
        assert mapped.computed(None, "t", 1) == "null"
