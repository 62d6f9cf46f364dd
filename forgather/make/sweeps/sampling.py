"""Random values that are the same on every machine and in every version of Python.

A sample is a pure function of the seed, its number and the variable's name: the fraction is 64 bits
of a SHA-256. So more samples keep those there are, and another variable moves none. Logarithms are
those of ``decimal``, which are rounded correctly; those of the C library differ in the last digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from decimal import ROUND_FLOOR, Context, Decimal, localcontext
from typing import Any

from forgather.errors import did_you_mean

Draw = Callable[[int], Any]  # from a fraction, 0 to 2**64 - 1

RANGE = 1 << 64
DIGITS = 4  # significant digits of a drawn float: enough to search with, and a name to read
KINDS = ("choice", "uniform", "loguniform", "int")
OPTIONS = ("step", "digits")

_PRECISE = Context(prec=40)


class BadDistribution(ValueError):
    """A distribution that cannot be drawn from."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def fraction(seed: int, number: int, name: str) -> int:
    """The random bits of one variable of one sample."""
    digest = hashlib.sha256(f"forgather sweep/{seed}/{number}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def distribution(given: Any) -> Draw:
    """``{choice: [...]}``, ``{uniform: [a, b]}``, ``{loguniform: [a, b]}``, ``{int: [a, b]}``.

    Of ``int`` both ends are drawn. ``step`` keeps to a + k*step (of ``loguniform``: to multiples of
    it); ``digits`` is the number of significant digits of a float. Raises BadDistribution.
    """
    kinds = [key for key in given if key in KINDS] if isinstance(given, Mapping) else []
    if len(kinds) != 1:
        raise BadDistribution(
            f"expected one of {', '.join(KINDS)}", "write for example { uniform: [0.0, 0.5] }"
        )
    kind = kinds[0]
    for key in given:
        if key != kind and (key not in OPTIONS or kind == "choice"):
            allowed = () if kind == "choice" else OPTIONS
            raise BadDistribution(f"unknown key {key!r}", did_you_mean(str(key), allowed))
    if kind == "choice":
        return _choice(given[kind])
    low, high = _bounds(given[kind], kind)
    step = _positive(given.get("step"), "step")
    digits = given.get("digits", DIGITS)
    if not isinstance(digits, int) or not 1 <= digits <= 15:
        raise BadDistribution("'digits' must be a number from 1 to 15")
    if kind == "int":
        return _integers(low, high, step)
    return _floats(low, high, step, digits, logarithmic=kind == "loguniform")


def _choice(values: Any) -> Draw:
    if not isinstance(values, list | tuple) or not values:
        raise BadDistribution("'choice' must be a list of values, and not empty")
    return lambda bits: values[bits * len(values) // RANGE]


def _integers(low: Decimal, high: Decimal, step: Decimal | None) -> Draw:
    step = step or Decimal(1)
    if any(value != value.to_integral_value() for value in (low, high, step)):
        raise BadDistribution("the bounds and the step of 'int' must be integers")
    first, stride = int(low), int(step)
    count = (int(high) - first) // stride + 1
    return lambda bits: first + stride * (bits * count // RANGE)


def _floats(
    low: Decimal, high: Decimal, step: Decimal | None, digits: int, *, logarithmic: bool
) -> Draw:
    if logarithmic and low <= 0:
        raise BadDistribution("the bounds of 'loguniform' must be greater than 0")
    rounding = Context(prec=digits)

    def draw(bits: int) -> float:
        with localcontext(_PRECISE):
            if step is not None and not logarithmic:
                count = int(((high - low) / step).to_integral_value(ROUND_FLOOR)) + 1
                return float(low + step * (bits * count // RANGE))
            part = Decimal(bits) / RANGE
            if logarithmic:
                value = (low.ln() + (high.ln() - low.ln()) * part).exp()
            else:
                value = low + (high - low) * part
            if step is not None:
                value = (value / step).to_integral_value() * step
            else:
                value = rounding.plus(value)
            return float(min(max(value, low), high))

    return draw


def _bounds(given: Any, kind: str) -> tuple[Decimal, Decimal]:
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise BadDistribution(f"{kind!r} must be [lowest, highest]")
    low, high = (_number(value, kind) for value in given)
    if low >= high:
        raise BadDistribution(f"{kind!r} must be [lowest, highest], not {given!r}")
    return low, high


def _positive(given: Any, what: str) -> Decimal | None:
    if given is None:
        return None
    if (value := _number(given, what)) <= 0:
        raise BadDistribution(f"{what!r} must be greater than 0")
    return value


def _number(value: Any, what: str) -> Decimal:
    """The number as it is written, not as it is stored: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadDistribution(f"{what!r} takes numbers, not {value!r}")
    number = Decimal(repr(value))
    if not number.is_finite():
        raise BadDistribution(f"{what!r} takes finite numbers, not {value!r}")
    return number
