"""Whether a target is up to date, and where the inputs of two keys differ."""

from __future__ import annotations

from typing import Any, NamedTuple


class Verdict(NamedTuple):
    """Whether a target must be made, and why, as data."""

    is_current: bool
    reasons: tuple[str, ...] = ()


def differences(old: Any, new: Any, path: str = "") -> list[str]:
    """Where two key inputs differ, as readable lines."""
    if isinstance(old, dict) and isinstance(new, dict):
        found: list[str] = []
        for name in sorted(old.keys() | new.keys()):
            here = f"{path}.{name}" if path else str(name)
            if name not in old:
                found.append(f"{here} is new")
            elif name not in new:
                found.append(f"{here} is gone")
            else:
                found += differences(old[name], new[name], here)
        return found
    return [] if old == new else [f"{path} changed"]
