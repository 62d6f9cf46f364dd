"""Sizes, times and counts as people write them: ``500M``; ``90s``, ``12h``, ``30d``; ``1 entry and 2 blobs``."""

from __future__ import annotations

import re

from forgather.errors import UsageError
from forgather.words import counted

SIZES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
AGES = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]?)", re.IGNORECASE)


def parse_size(text: str, option: str, code: str) -> int:
    """Bytes. Raises UsageError with ``code``."""
    return int(_parse(text, SIZES, f"{option} {text!r} is not a size", "as 500M or 20G", code))


def parse_age(text: str, option: str, code: str) -> float:
    """Seconds. Raises UsageError with ``code``."""
    message = f"{option} {text!r} is not a length of time"
    return _parse(text, AGES, message, "as 12h, 30d or 8w", code)


def _parse(text: str, units: dict[str, int], message: str, hint: str, code: str) -> float:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[2].lower() not in units:
        raise UsageError(message, hint=hint, code=code)
    return float(found[1]) * units[found[2].lower()]


def show_size(size: int) -> str:
    """``1.5 GB``, in powers of 1024, as they are parsed."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"


def show_counts(entries: int, blobs: int) -> str:
    """What a store or cache has of both: ``1 entry and 2 blobs``."""
    return f"{counted(entries, 'entry', 'entries')} and {counted(blobs, 'blob')}"
