"""Finding and reading text files: what is there, in a fixed order, and what it says.

Knows paths and bytes; what a document is, is for :mod:`~forgather.ml.datasets.local_text`.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from forgather.errors import DataError, did_you_mean
from forgather.listing import list_files
from forgather.ml.datasets.inputs import record_listing

PIECE_BYTES = 1 << 20


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
    try:
        names = list_files(root, patterns, exclude)
    except OSError as error:
        raise DataError(
            f"cannot read the folder {error.filename}: {error.strerror or error}",
            hint="check its permissions, or leave it out with exclude",
        ) from error
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
