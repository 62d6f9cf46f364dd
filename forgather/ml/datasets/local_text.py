"""Text on this machine as a stream of documents: a file, a folder, or a glob.

::

    LocalText("notes.txt", separator=r"\\n\\n+")          one file, paragraphs
    LocalText("src", pattern="**/*.py")                   a folder, a document per file
    LocalText("/data/*/chapter-*.txt")                    a glob

Files are read piece by piece, never a whole corpus at once, in the order of their names. A document
is a file, or what lies between two matches of ``separator``; one longer than ``max_chars`` (None: no
limit, and then a whole document is held in memory) is cut at a line end. Binary files (a NUL byte near the start) are skipped and counted; so are documents that
are not valid in ``encoding``, unless ``errors`` says otherwise.

``split="train"`` and ``split="validation"`` never share a document: a digest decides, so the split
does not depend on the order, the machine, or what else is there.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from forgather.errors import DataError, did_you_mean
from forgather.ml.datasets.inputs import record_input
from forgather.ml.datasets.text_files import decoded_pieces, find_text_files, is_binary

logger = logging.getLogger(__name__)

SPLITS = ("train", "validation", "all")
ERRORS = ("skip", "strict", "replace", "ignore")
# From this many files on, the split is by file: no file has a part in both.
FILES_FOR_SPLIT_BY_FILE = 50
SEPARATOR_CHARS = 4096  # a match of a separator is taken to be no longer
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


@dataclass
class TextReport:
    """What one pass over the files found."""

    files: int = 0
    documents: int = 0
    binary: list[str] = field(default_factory=list)
    undecodable: list[str] = field(default_factory=list)  # one entry for each document

    def __str__(self) -> str:
        skipped = f"{len(self.binary)} binary files, {len(self.undecodable)} undecodable documents"
        return f"{self.documents} documents of {self.files} files; skipped: {skipped}"


class LocalText:
    """A stream of ``{"text", "source"}``; every ``iter()`` starts again. ``report``: the last pass."""

    def __init__(
        self,
        path: str | Path,
        *,
        pattern: str | Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        split: str = "all",
        validation_fraction: float = 0.05,
        separator: str | None = None,
        max_chars: int | None = 1_000_000,
        encoding: str = "utf-8",
        errors: str = "skip",
    ) -> None:
        _check_choice("split", split, SPLITS)
        _check_choice("errors", errors, ERRORS)
        if not 0 <= validation_fraction < 1:
            raise DataError(f"validation_fraction must be in [0, 1), not {validation_fraction}")
        if max_chars is not None and max_chars < 1:
            raise DataError(f"max_chars must be 1 or more, not {max_chars}")
        self.path = str(path)
        self.split = split
        self.files = find_text_files(self.path, pattern, exclude)
        self.report = TextReport()
        self._validation_fraction = validation_fraction
        self._separator = _compiled(separator)
        self._max_chars = max_chars
        self._encoding = encoding
        self._errors = errors

    def __iter__(self) -> Iterator[dict[str, str]]:
        report = self.report = TextReport()
        by_file = self._separator is None and len(self.files) >= FILES_FOR_SPLIT_BY_FILE
        for name, path in self.files:
            if by_file and not self._is_mine(name):
                continue
            report.files += 1
            for text in self._documents(name, path, report):
                if by_file or self._is_mine(text):
                    report.documents += 1
                    yield {"text": text, "source": name}
        self._finish(report)

    def _documents(self, name: str, path: Path, report: TextReport) -> Iterator[str]:
        record_input(path)
        try:
            if is_binary(path):
                report.binary.append(name)
                return
            pieces = decoded_pieces(path, self._encoding, self._decode_errors)
            for text in documents_of(pieces, self._separator, self._max_chars):
                if self._errors == "skip" and _ESCAPED_BYTE.search(text):
                    report.undecodable.append(name)
                else:
                    yield text
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path} is not valid {self._encoding}: {error.reason}",
                hint='pass another encoding, or errors="skip" or "replace"',
            ) from error
        except OSError as error:
            raise DataError(
                f"cannot read {path}: {error.strerror or error}",
                hint="check its permissions, or leave it out with exclude",
            ) from error

    @property
    def _decode_errors(self) -> str:
        # Undecodable bytes come as lone surrogates: so only the documents with them are skipped.
        return "surrogateescape" if self._errors == "skip" else self._errors

    def _is_mine(self, key: str) -> bool:
        if self.split == "all":
            return True
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        is_validation = int.from_bytes(digest[:8], "big") < self._validation_fraction * 2**64
        return is_validation == (self.split == "validation")

    def _finish(self, report: TextReport) -> None:
        logger.info("%s: %s", self.path, report)
        if report.undecodable:
            logger.warning(
                "%s: %d documents are not valid %s and were skipped, the first in %s",
                *(self.path, len(report.undecodable), self._encoding, report.undecodable[0]),
            )
        if report.documents == 0:
            raise DataError(
                f"no documents for the split {self.split!r} in {self.path} ({report})",
                hint="name text files; for a small validation split raise validation_fraction, "
                "or cut documents smaller with max_chars or separator",
            )


def documents_of(
    pieces: Iterator[str], separator: re.Pattern[str] | None, max_chars: int | None
) -> Iterator[str]:
    """The documents of one file; blank ones are left out."""
    whole = _separated(pieces, separator, max_chars) if separator else iter([pieces])
    for document in whole:
        for text in _limited(document, max_chars):
            if text.strip():
                yield text


def _separated(
    pieces: Iterator[str], separator: re.Pattern[str], max_chars: int | None
) -> Iterator[list[str]]:
    """Text between matches. A match at the end of what was read may go on in the next piece."""
    text = ""
    for piece in pieces:
        *parts, text = _split(text + piece, separator, is_end=False)
        yield from ([part] for part in parts)
        # A separator that does not match must not make the whole file one string.
        while max_chars is not None and len(text) > max_chars + SEPARATOR_CHARS:
            cut = _cut(text, max_chars)
            yield [text[:cut]]
            text = text[cut:]
    yield from ([part] for part in _split(text, separator, is_end=True))


def _split(text: str, separator: re.Pattern[str], *, is_end: bool) -> list[str]:
    parts, start = [], 0
    for match in separator.finditer(text):
        if match.end() == len(text) and not is_end:
            break
        if match.end() > match.start():
            parts.append(text[start : match.start()])
            start = match.end()
    return [*parts, text[start:]]


def _cut(text: str, max_chars: int) -> int:
    """Where to cut a text that is too long: behind the last line end that is early enough."""
    return text.rfind("\n", 0, max_chars) + 1 or max_chars


def _limited(pieces: Iterable[str], max_chars: int | None) -> Iterator[str]:
    """One document, cut so that no part is longer than ``max_chars``: at a line end where one is."""
    if max_chars is None:
        yield "".join(pieces)
        return
    text = ""
    for piece in pieces:
        text += piece
        while len(text) > max_chars:
            cut = _cut(text, max_chars)
            yield text[:cut]
            text = text[cut:]
    yield text


def _compiled(separator: str | None) -> re.Pattern[str] | None:
    if separator is None:
        return None
    try:
        return re.compile(separator)
    except re.error as error:
        raise DataError(
            f"the separator is not a regular expression: {separator!r} ({error})"
        ) from error


def _check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise DataError(f"{name}={value!r} is not known", hint=did_you_mean(value, choices))
