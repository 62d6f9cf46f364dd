"""Random configs through everything that shows a config: code that compiles, YAML and JSON that come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.fuzz_language import exercise, seeds

pytestmark = pytest.mark.filterwarnings("ignore::SyntaxWarning")  # of calls of numbers, say
SEEDS = list(seeds())
QUICK = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

LEAVES = st.sampled_from(
    "1 -0.0 1.0e-3 .inf .nan ~ true 'x' \"a\\nb\" é '' 0x1F *a *b !var [v,1] {{x}} {{ns.x|toyaml}}".split()
)
SPECS = st.sampled_from(
    "dict list a:b a.b.c .rel:Name dir/f.py:N torch:nn.Linear items getitem call".split()
)
TAGS = st.one_of(
    st.builds("!{}:{}".format, st.sampled_from("call factory partial meta".split()), SPECS),
    st.builds("!{}:{}@n{}".format, st.sampled_from(["call", "partial"]), SPECS, st.integers(0, 3)),
    st.sampled_from(["!list", "!tuple", "", "", ""]),
)
KEYS = st.sampled_from("a b x lr class self arg0 arg1 args kwargs <<".split() + ["'a b'", "'1'"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("{} [{}]".format, TAGS, st.lists(inner, max_size=3).map(", ".join)),
        st.builds(
            "{} {{{}}}".format,
            TAGS.filter(lambda tag: tag not in ("!list", "!tuple")),
            st.lists(st.builds("{}: {}".format, KEYS, inner), max_size=3).map(", ".join),
        ),
        st.builds("&{} {}".format, st.sampled_from("ab"), inner),
    ),
    max_leaves=8,
)
LINES = st.builds("{}: {}".format, st.sampled_from(["a", "b", ".c", "main", "'0'"]), VALUES)
CONFIGS = st.lists(LINES, min_size=1, max_size=5).map("\n".join)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@QUICK
@given(CONFIGS)
def test_random_graphs(tmp_path: Path, text: str) -> None:
    exercise(tmp_path, text)


@QUICK
@given(CONFIGS)
def test_random_graphs_in_a_block(tmp_path: Path, text: str) -> None:
    exercise(tmp_path, f"-- extends 'base.yaml'\n[b]\n    == super()\n{text}\n")


@QUICK
@given(st.sampled_from(SEEDS), st.sampled_from(SEEDS), st.integers(0), st.integers(0))
def test_cases_cut_and_joined(
    tmp_path: Path, one: str, other: str, first: int, second: int
) -> None:
    exercise(tmp_path, one[: first % (len(one) + 1)] + other[second % (len(other) + 1) :])


@QUICK
@given(st.sampled_from(SEEDS), st.integers(0), st.characters())
def test_cases_with_one_character_changed(
    tmp_path: Path, text: str, place: int, letter: str
) -> None:
    place %= len(text)
    exercise(tmp_path, text[:place] + letter + text[place + 1 :])
