"""The configs in the documentation work as they are printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [
    "docs/tutorial.md",
    "docs/configuration/writing-a-config.md",
    "docs/configuration/inheritance.md",
]
FENCE = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SEARCH = tuple(
    str(REPOSITORY / "examples" / project / "templates")
    for project in ("tutorials/tiny_llama", "models/llama")
)


def configs(page: str) -> list[str]:
    """The yaml blocks of a page that are whole configs."""
    return [
        text
        for text in FENCE.findall((REPOSITORY / page).read_text())
        if text.startswith("-- extends")
    ]


@pytest.mark.parametrize("page", PAGES)
def test_configs_of_a_page_load(page: str, make_project: Callable[..., Any]) -> None:
    found = configs(page)
    assert found
    base = "-- extends 'projects/tiny.yaml'\n"
    if page.endswith("writing-a-config.md"):
        base = found[0]
    files = {"default.yaml": base} | {f"{n}.yaml": text for n, text in enumerate(found)}
    load = make_project(files, searchdir=SEARCH)
    for name in files:
        project = load(name)
        assert project.loaded.warnings == [], name
        assert project("meta")["config_class"] == "type.training_script.causal_lm"
