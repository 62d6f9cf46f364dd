"""Counts as people write them."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 blob``, ``2 blobs``; ``plural``: where that is another than with an "s"."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
