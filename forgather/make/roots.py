"""Named roots: how what is remembered names places, so that two checkouts share it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

END = r"(?![\w-]|\.\w)"  # what may not follow a root: then it is the name of something else


def contract(value: Any, roots: Mapping[str, str]) -> Any:
    """Replace root paths by ``${name}``, the longest root first; in text, anywhere."""
    pattern, names = _compiled(tuple(roots.items()))

    def contracted(part: Any) -> Any:
        if isinstance(part, str):
            return pattern.sub(lambda match: names[match[0]], part) if os.sep in part else part
        if isinstance(part, Mapping):
            return {key: contracted(item) for key, item in part.items()}
        if isinstance(part, list):
            return [contracted(item) for item in part]
        return part

    return contracted(value)


@lru_cache(maxsize=64)
def _compiled(roots: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds roots in text, and what each becomes."""
    names = {root: f"${{{name}}}" for name, root in reversed(roots)}  # of two, the first name
    longest_first = sorted(names, key=len, reverse=True)
    # /a/work is no part of /a/work2, nor of /a/work.old
    return re.compile(f"(?:{'|'.join(map(re.escape, longest_first))}){END}"), names


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
