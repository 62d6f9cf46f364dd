"""What stands where in a text: by its lines alone, broken or not."""

from __future__ import annotations

import pytest

from forgather.lsp.outline import Outline

TEXT = """\
## [not] a block
-- extends "base.yaml"  ## 'not.yaml'
-- set ns.trainer = 'trainers/t.yaml'
[one]
    == super()
    [two!]
opt: &opt !partial:torch.optim:AdamW@opt { a: *base, "b": !call:len [ *c ] }
[three]
-- block four
x: [ 1 ]
-- endblock four
{% block five %}{{ super() }}{% endblock %}

#---- part.one ----
-- include 'other.yaml'
[one]
    == super()
"""


def spots(kind: str) -> list[tuple[str, int]]:
    return [(spot.name, spot.line) for spot in Outline(TEXT).spots if spot.kind == kind]


def test_templates_are_quoted_names_in_statements() -> None:
    assert spots("template") == [("base.yaml", 1), ("trainers/t.yaml", 2), ("other.yaml", 14)]


def test_blocks_are_headers_and_statements() -> None:
    assert spots("block") == [
        ("one", 3),
        ("two", 5),
        ("three", 7),
        ("four", 8),
        ("four", 10),
        ("five", 11),
        ("one", 15),
    ]


def test_anchors_aliases_and_specs() -> None:
    assert spots("anchor") == [("opt", 6)]
    assert spots("alias") == [("base", 6), ("c", 6)]
    assert spots("spec") == [("torch.optim:AdamW", 6), ("len", 6)]


def test_super_is_found_in_lines_and_inline() -> None:
    assert [line for _, line in spots("super")] == [4, 11, 16]


def test_parts_are_those_of_the_file() -> None:
    outline = Outline(TEXT)
    assert [(part.name, part.line) for part in outline.parts] == [("", 0), ("part.one", 14)]
    assert outline.part_at(15).name == "part.one"
    assert outline.part_at(3).name == ""


@pytest.mark.parametrize(
    ("line", "blocks"),
    [
        (3, []),
        (4, ["one"]),
        (6, ["one", "two"]),
        (8, ["three"]),
        (9, ["three", "four"]),
        (11, ["three"]),
        (16, ["one"]),
    ],
)
def test_enclosing_blocks(line: int, blocks: list[str]) -> None:
    assert Outline(TEXT).enclosing_blocks(line) == blocks


@pytest.mark.parametrize(
    ("line", "column", "name"),
    [
        (1, 12, "base.yaml"),
        (1, 21, "base.yaml"),
        (1, 5, None),
        (3, 1, "one"),
        (6, 30, "torch.optim:AdamW"),
    ],
)
def test_the_spot_at_a_position(line: int, column: int, name: str | None) -> None:
    spot = Outline(TEXT).at(line, column)
    assert (spot.name if spot else None) == name


@pytest.mark.parametrize(
    "text", ["", "\n", "[a", "-- endblock x", "-- block", "#--- a ---\n", "\r\n[a]\r\n"]
)
def test_any_text_has_an_outline(text: str) -> None:
    outline = Outline(text)
    assert outline.parts
    assert outline.enclosing_blocks(len(outline.lines)) in ([], ["a"])
