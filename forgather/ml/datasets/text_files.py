"""Finding and reading text files: what is there, in a fixed order, and what it says.

Knows paths and bytes; what a document is, is for :mod:`~forgather.ml.datasets.local_text`.
"""

from __future__ import annotations

import codecs
import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from forgather.errors import DataError, did_you_mean
from forgather.ml.datasets.inputs import record_listing

PIECE_BYTES = 1 << 20
_GLOB_TOKENS = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def find_text_files(
    path: str, pattern: str | Sequence[str] | None, exclude: Sequence[str]
) -> list[tuple[str, Path]]:
    """``(name, path)`` of every file that ``path`` means, sorted by name.

    ``path`` is a file, a folder or a glob; ``pattern`` (one or several globs, ``**`` for any depth)
    says which files of a folder. Hidden files and ``__pycache__`` are left out; ``exclude`` has more
    globs to leave out, files or whole folders, matched with the name under the folder; their ``*``
    crosses ``/``.
    """
    expanded = os.path.expanduser(path)
    if os.path.isfile(expanded):
        file = Path(expanded)
        return [(file.name, file)]
    patterns = [pattern] if isinstance(pattern, str) else list(pattern or ["**/*"])
    if os.path.isdir(expanded):
        root = Path(expanded)
    else:
        root, patterns = _root_of_glob(path, expanded)
    wanted = re.compile("|".join(_regex_of_glob(glob) for glob in patterns))
    names = sorted(
        name for name in _walk(root, exclude, _depth(patterns)) if wanted.fullmatch(name)
    )
    # "!" marks what was left out, in the record of what was asked for.
    record_listing(root, "|".join([*patterns, *(f"!{glob}" for glob in exclude)]), names)
    if not names:
        raise DataError(
            f"no files match {', '.join(patterns)} in {root}",
            hint="give a pattern that matches text files, such as '**/*.txt'",
        )
    return [(name, root / name) for name in names]


def _root_of_glob(path: str, expanded: str) -> tuple[Path, list[str]]:
    """The folder before the first wildcard, and the glob below it."""
    if not any(character in expanded for character in "*?["):
        raise _missing(path, expanded)
    parts = Path(expanded).parts
    fixed = next(i for i, part in enumerate(parts) if any(c in part for c in "*?["))
    root = Path(*parts[:fixed])
    if not root.is_dir():
        raise _missing(str(root), str(root))
    return root, [str(Path(*parts[fixed:]))]


def _missing(path: str, expanded: str) -> DataError:
    """Name the path as it was given, the place it was looked for, and the nearest name there."""
    parent = Path(expanded).absolute().parent
    hint = "give an existing file, folder or glob (a relative path starts at the working directory)"
    if parent.is_dir() and (names := sorted(entry.name for entry in parent.iterdir())):
        near = did_you_mean(Path(expanded).name, names)
        if near.startswith("did you mean"):
            hint = f"{near} {hint}"
    return DataError(
        f"no such file or folder: {path} (looked for {parent / Path(expanded).name})", hint=hint
    )


def _depth(patterns: Sequence[str]) -> int | None:
    """How many folders deep a match can be; None where a pattern has ``**``."""
    if any("**" in pattern for pattern in patterns):
        return None
    return max(pattern.count("/") for pattern in patterns)


def _walk(root: Path, exclude: Sequence[str], depth: int | None, below: str = "") -> Iterator[str]:
    """Names of the files under ``root``; what is excluded or too deep is not even looked into."""
    try:
        entries = list(os.scandir(root / below))
    except OSError as error:
        raise DataError(
            f"cannot read the folder {root / below}: {error.strerror or error}",
            hint="check its permissions, or leave it out with exclude",
        ) from error
    for entry in entries:
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


def is_binary(path: Path) -> bool:
    with open(path, "rb") as source:
        start = source.read(8192)
    # UTF-16 and UTF-32 text is full of NULs; a byte order mark tells that it is text.
    return b"\0" in start and not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))


def decoded_pieces(path: Path, encoding: str, errors: str) -> Iterator[str]:
    """The text of a file, about a megabyte at a time, line ends as ``\\n``."""
    try:
        source = open(path, encoding=encoding, errors=errors)  # noqa: SIM115  closed below
    except LookupError as error:
        raise DataError(f"unknown encoding {encoding!r}", hint="utf-8, latin-1, ...") from error
    with source:
        while piece := source.read(PIECE_BYTES):
            yield piece.removeprefix("\ufeff")  # a byte order mark
