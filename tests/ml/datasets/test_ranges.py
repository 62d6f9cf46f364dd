from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forgather.errors import DataError
from forgather.ml.datasets import normalize_range


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, None),
        (500, range(500)),
        (5000, range(1000)),
        (-10, range(990)),
        (0.25, range(250)),
        (-0.1, range(900)),
        (1.0, range(1000)),
        ("500", range(500)),
        ("-10", range(990)),
        ("10%", range(100)),
        ("0.25", range(250)),
        ("100:", range(100, 1000)),
        (":500", range(500)),
        (":", range(1000)),
        ("10%:80%", range(100, 800)),
        ("10%:-5", range(100, 995)),
        ("90%:", range(900, 1000)),
        ("90%:10%", range(900, 900)),
        ("0:100:7", range(0, 100, 7)),
        ([100, 0.9], range(100, 900)),
        ((1, 1.0, 4), range(1, 1000, 4)),
        (("5%", None), range(50, 1000)),
        ((-10, 2.0), range(0, 1000)),  # a start before the first row is the first row
        ("-5:", range(0, 1000)),
        ([500], range(500)),
        (range(5, 9), range(5, 9)),
        (range(990, 2000, 3), range(990, 1000, 3)),
        (0, range(0)),
    ],
)
def test_what_a_range_means(spec, expected):
    assert normalize_range(1000, spec) == expected


def test_a_percentage_is_exact():
    assert normalize_range(100, "29%") == range(29)
    assert normalize_range(1000, 0.57) == range(570)


@pytest.mark.parametrize(
    "spec", ["ten", "1:2:3:4", "5%%", [], True, [1, 2, 0], [1, 2, -1], {"a": 1}]
)
def test_what_is_not_a_range_is_refused(spec):
    with pytest.raises(DataError, match="not a range of rows"):
        normalize_range(1000, spec)


bounds = st.none() | st.integers(-50, 50) | st.floats(-2, 2, allow_nan=False)


@given(st.integers(0, 40), bounds, bounds)
def test_a_range_never_leaves_the_dataset(length, start, stop):
    rows = normalize_range(length, [start, stop])
    assert 0 <= rows.start <= rows.stop <= length
