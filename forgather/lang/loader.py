"""Finds templates: a search path of directories, and templates added from Python.

A name never leads out of the search path: ``..`` is refused, and an absolute path counts from each
directory. Symbolic links are followed; who makes one in a search directory has said that its target
belongs there.

The loader outlives renders and holds nothing that a render could change: inline templates belong to
the render that read their file (:mod:`forgather.lang.session`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from forgather.errors import Span, TemplateError
from forgather.lang import codes
from forgather.lang.source import Section, normalize, split
from forgather.lang.trace import Trace


class TemplateLoader:
    """searchpath: the first directory that has a file of the name wins. A directory need not exist."""

    def __init__(
        self, searchpath: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
    ) -> None:
        if isinstance(searchpath, (str, os.PathLike)):
            searchpath = [searchpath]
        self.searchpath = [os.path.abspath(os.fspath(path)) for path in searchpath]
        self.added: dict[str, Section] = {}

    def add_template(self, name: str, text: str) -> None:
        """Add a template that goes before files and inline templates; it is not split."""
        self.added[name] = Section(name, normalize(text))

    def read(self, name: str, trace: Trace) -> list[Section] | None:
        """The sections of the file that is found under this name, or None."""
        if name in self.added:
            trace.template(
                name, f"<added {name}>", self.added[name].text.encode("utf-8", "replace")
            )
            return [self.added[name]]
        parts = name_parts(name)
        for directory in self.searchpath:
            path = os.path.join(directory, *parts)
            content = _read(path, name)
            if content is None:
                trace.absent(name, path)
                continue
            trace.template(name, path, content)
            return split(_decode(content, path, name), name, path)
        return None

    def paths(self, name: str) -> list[str]:
        """All files of this name, in search order; only the first can be reached by the name."""
        parts = name_parts(name)
        found = [os.path.join(directory, *parts) for directory in self.searchpath]
        return [path for path in found if os.path.isfile(path)]

    def templates(self, prefix: str = "", suffix: str = ".yaml") -> Iterator[tuple[str, str]]:
        """(name, path) of each reachable template below ``prefix``, sorted by name."""
        found: dict[str, str] = {}
        for directory in self.searchpath:
            for path in _walk(Path(directory, *name_parts(prefix)), suffix):
                found.setdefault(path.relative_to(directory).as_posix(), str(path))
        yield from sorted(found.items())


def name_parts(name: str) -> list[str]:
    """The name as path parts; an error where it would lead out of the search path."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if any(part == ".." or os.sep in part or "\0" in part for part in parts) or "\\" in name:
        raise TemplateError(
            f"{name!r} is not a template name",
            hint="name a template by its path below a directory of the search path, without '..'",
            code=codes.BAD_NAME,
        )
    return parts


def _read(path: str, name: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise TemplateError(
            f"cannot read template {name!r}: {error.strerror}",
            where=Span(name, 1, None, path),
            code=codes.UNREADABLE,
        ) from error


def _decode(content: bytes, path: str, name: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TemplateError(
            f"template {name!r} is not UTF-8 text: byte 0x{content[error.start]:02x}",
            where=Span(name, line, None, path),
            hint="save the file as UTF-8",
            code=codes.UNREADABLE,
        ) from error


def _walk(directory: Path, suffix: str) -> Iterator[Path]:
    for folder, names, files in os.walk(directory):
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, file) for file in sorted(files) if file.endswith(suffix))
