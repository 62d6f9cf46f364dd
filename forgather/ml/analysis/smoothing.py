"""Smoothing of curves: a two-sided exponential average, which does not lag behind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

SMOOTHED_FROM = 150  # records; shorter curves are shown as they are


def moving_average(values: Sequence[float], window: int) -> list[float]:
    """Averages with weights that fall with the distance to both sides.

    With k = 1 - 2 / (window + 1): m_i = sum_j k^|i-j| v_j / sum_j k^|i-j|. A one-sided average of a
    falling loss lies above it; this one does not. At the ends there are fewer neighbors, and no
    zeros stand in for them. A value that is not finite stays as it is and weighs nothing.
    """
    keep = 1 - 2 / (window + 1)
    before = list(_one_sided(values, keep))
    after = list(_one_sided(reversed(values), keep))[::-1]
    smoothed = []
    for value, left, right in zip(values, before, after, strict=True):
        if math.isfinite(value):  # the value itself is in both sums
            smoothed.append((left[0] + right[0] - value) / (left[1] + right[1] - 1))
        else:
            smoothed.append(value)
    return smoothed


def _one_sided(values: Iterable[float], keep: float) -> Iterable[tuple[float, float]]:
    """Weighted sum, and sum of weights, of each value and those before it."""
    total = weight = 0.0
    for value in values:
        is_finite = math.isfinite(value)
        total = keep * total + (value if is_finite else 0.0)
        weight = keep * weight + is_finite
        yield total, weight


def automatic_window(count: int) -> int:
    return 0 if count < SMOOTHED_FROM else max(5, min(50, count // 30))
