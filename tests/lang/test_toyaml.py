"""The filter toyaml: what it writes, YAML reads back, on one line."""

from __future__ import annotations

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from forgather.config import ConfigEnvironment
from forgather.lang.filters import dump, toyaml

PLAIN = st.text(alphabet="abno/._-1e~ :", max_size=8)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT | PLAIN
DATA = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)


@given(PLAIN)
def test_short_cuts_change_nothing(text: str) -> None:
    assert toyaml(text) == dump(text)


@settings(deadline=None)
@given(DATA)
def test_is_read_back(value: object) -> None:
    text = toyaml(value)
    assert "\n" not in text
    assert yaml.safe_load(f"a:\n    b: {text}\n")["a"]["b"] == value


@settings(deadline=None, max_examples=50)
@given(DATA)
def test_is_read_back_by_a_config(value: object) -> None:
    config = ConfigEnvironment([]).load_from_string("a: {{ x|toyaml }}\n", x=value).config
    assert config["a"] == value
