"""Which part of a dataset: one notation for "the first 10%" and "from 100 to the end".

=================  ==============================================  =======================
given              means                                           of 1000
=================  ==============================================  =======================
``None``           everything                                      0..1000
``500``            the first 500                                   0..500
``-10``            all but the last 10                             0..990
``0.25``           the first quarter                               0..250
``-0.1``           all but the last tenth                          0..900
``"500"``          as the number                                   0..500
``"10%"``          the first tenth                                 0..100
``"a:b"``          from a to b; either may be left out             ``"10%:-5"`` 100..995
``(a, b[, step])`` the same with numbers or strings                ``(1, 1.0, 4)`` 1..1000
``range``          as it is, cut to the dataset                    ``range(5, 9)`` 5..9
=================  ==============================================  =======================

Numbers and text mean the same. Bounds outside the dataset are cut to it, so a start before the first
row is the first row: ``(-10, 2.0)`` is 0..1000. A negative *end* counts from the end of the dataset.
The last rows are ``"90%:"``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from forgather.errors import DataError

RangeSpec = None | int | float | str | range | Sequence[int | float | str | None]
_NUMBER = re.compile(r"\s*([+-]?)(\d+(?:\.\d+)?)\s*(%?)\s*")


def normalize_range(length: int, spec: RangeSpec) -> range | None:
    """``spec`` as a range of row numbers below ``length``; None means all rows and stays None."""
    if spec is None:
        return None
    if isinstance(spec, range):
        return range(length)[_as_slice(spec)]
    if isinstance(spec, str) and ":" in spec:
        spec = [part if part.strip() else None for part in spec.split(":")]
    if isinstance(spec, int | float | str):
        return range(_end(length, spec, spec))
    if not isinstance(spec, Sequence) or not 1 <= len(spec) <= 3:
        raise _refused(spec)
    bounds = list(spec) + [None] * (3 - len(spec))
    if len(spec) == 1:
        bounds = [None, spec[0], None]
    start = 0 if bounds[0] is None else _start(length, bounds[0], spec)
    stop = length if bounds[1] is None else _end(length, bounds[1], spec)
    return range(start, max(start, stop), _step(bounds[2], spec))


def _as_slice(given: range) -> slice:
    if given.step < 0 or given.start < 0 or given.stop < 0:
        raise _refused(given)
    return slice(given.start, given.stop, given.step)


def _step(value: int | float | str | None, spec: object) -> int:
    if value is None:
        return 1
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _refused(spec)
    return value


def _start(length: int, value: int | float | str, spec: object) -> int:
    return min(max(_rows(length, value, spec), 0), length)


def _end(length: int, value: int | float | str, spec: object) -> int:
    rows = _rows(length, value, spec)
    return min(max(rows + length if rows < 0 else rows, 0), length)


def _rows(length: int, value: int | float | str, spec: object) -> int:
    """A number of rows; a fraction or percentage is taken of ``length``."""
    if isinstance(value, str):
        value = _parsed(value, spec)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(spec)
    # round(): 0.29 * 100 is 28.999999999999996
    return int(round(value * length, 6)) if isinstance(value, float) else value


def _parsed(text: str, spec: object) -> int | float:
    """``"12"`` is a number of rows; ``"12%"`` and ``"0.12"`` are fractions."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _refused(spec)
    sign, digits, percent = match.groups()
    if percent:
        number: int | float = float(digits) / 100
    else:
        number = float(digits) if "." in digits else int(digits)
    return -number if sign == "-" else number


def _refused(spec: object) -> DataError:
    return DataError(
        f"not a range of rows: {spec!r}",
        hint='write 500, -10, 0.25, "10%", "100:500", "10%:90%" or [start, stop, step]',
    )
