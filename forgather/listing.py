"""Which files some globs find, and whether one has changed: one answer for those who read data and those
who watch it.

Hidden files and ``__pycache__`` are left out, and links to folders are not followed.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_GLOB_TOKENS = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def list_files(root: Path, patterns: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    """Names below ``root`` ("/" between parts), sorted.

    patterns: globs, with ``**`` for any depth. exclude: globs of files or whole folders to leave
    out; their ``*`` crosses ``/``. Raises OSError for a folder that cannot be read.
    """
    wanted = re.compile("|".join(_regex_of_glob(glob) for glob in patterns))
    found = _walk(root, exclude, _depth(patterns))
    return sorted(name for name in found if wanted.fullmatch(name))


def stat_signature(path: str) -> str:
    """Changes when the file does; of one that is not there, empty."""
    try:
        stat = os.stat(path)
    except OSError:
        return ""
    return f"{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_size}:{stat.st_ino}"


def _depth(patterns: Sequence[str]) -> int | None:
    """How many folders deep a match can be; None where a pattern has ``**``."""
    if any("**" in pattern for pattern in patterns):
        return None
    return max(pattern.count("/") for pattern in patterns)


def _walk(root: Path, exclude: Sequence[str], depth: int | None, below: str = "") -> Iterator[str]:
    """Names of the files under ``root``; what is excluded or too deep is not even looked into."""
    for entry in list(os.scandir(root / below)):
        name = below + entry.name
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude):
            continue
        if entry.is_file():
            yield name
        # Links to folders are not followed: they may lead in circles.
        elif entry.is_dir(follow_symlinks=False) and depth != 0:
            yield from _walk(root, exclude, None if depth is None else depth - 1, f"{name}/")


def _regex_of_glob(pattern: str) -> str:
    """``*`` and ``?`` stay within a name, ``**/`` is any number of folders, ``[abc]`` as in a shell."""
    regex = ""
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^]]*\]|[^*?\[]+|\[", pattern):
        if token in _GLOB_TOKENS:
            regex += _GLOB_TOKENS[token]
        elif token.startswith("[") and token != "[":
            regex += "[" + re.sub(r"^!", "^", token[1:-1].replace("\\", r"\\")) + "]"
        else:
            regex += re.escape(token)
    return f"(?:{regex})"
