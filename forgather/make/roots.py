"""Named roots: how what is remembered names places, so that two checkouts share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def contract(value: Any, roots: Mapping[str, str]) -> Any:
    """Replace root paths by ``${name}``, the longest root first; in text, anywhere."""
    if isinstance(value, str):
        for name, root in sorted(roots.items(), key=lambda item: -len(item[1])):
            value = value.replace(root, f"${{{name}}}")
        return value
    if isinstance(value, Mapping):
        return {key: contract(item, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [contract(item, roots) for item in value]
    return value


def expand(value: Any, roots: Mapping[str, str]) -> Any:
    """The inverse of :func:`contract`."""
    if isinstance(value, str):
        for name, root in roots.items():
            value = value.replace(f"${{{name}}}", root)
        return value
    if isinstance(value, Mapping):
        return {key: expand(item, roots) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, roots) for item in value]
    return value
