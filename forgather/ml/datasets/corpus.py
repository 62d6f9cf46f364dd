"""A text corpus on disk: one directory, one file for each split, one blank line between documents.

``write_story_corpus`` is what the ``corpus`` target of ``examples/datasets/stories`` calls; the
directory's name ends with a digest of its content, so that the same settings give the same
directory, and it is made once. ``load_corpus`` reads any directory of this form.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import shutil
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from forgather.errors import DataError
from forgather.ml.datasets.inputs import record_input
from forgather.ml.datasets.publish import new_directory
from forgather.ml.datasets.stories import stories

MANIFEST = "manifest.json"
SCHEMA = 1
_BETWEEN = b"\n\n"


def write_story_corpus(
    parent_dir: str | Path,
    *,
    train: int = 20_000,
    validation: int = 500,
    test: int = 500,
    seed: int = 0,
    name: str = "stories",
) -> str:
    """Tell stories into ``<parent_dir>/<name>-<digest>``; the splits share no story.

    Returns the directory. One that is there and whole is used as it is.
    """
    sizes = {"train": train, "validation": validation, "test": test}
    for split, size in sizes.items():
        if size < 0:
            raise DataError(f"the {split} split of the story corpus cannot have {size} stories")
    told = stories(sum(sizes.values()), seed)
    # The small splits come first, so that a larger training split leaves them as they are.
    documents = {split: list(islice(told, sizes[split])) for split in ("test", "validation")}
    documents["train"] = list(told)
    return write_corpus(
        parent_dir, documents, name=name, about={"grammar": "stories", "seed": seed}
    )


def write_corpus(
    parent_dir: str | Path,
    documents: Mapping[str, list[str]],
    *,
    name: str,
    about: Mapping[str, Any] | None = None,
) -> str:
    """Write ``{split: documents}`` as a corpus directory named for its content."""
    texts = {f"{split}.txt": _joined(split, texts) for split, texts in documents.items() if texts}
    manifest = {
        "schema": SCHEMA,
        **(about or {}),
        "documents": {split: len(texts) for split, texts in documents.items()},
        "files": {
            file: {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
            for file, text in texts.items()
        },
    }
    described = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    digest = hashlib.sha256(described.encode()).hexdigest()[:12]
    directory = Path(parent_dir, f"{name}-{digest}")
    content = {**texts, MANIFEST: described.encode()}
    if not _is_whole(directory, content):
        if directory.exists():
            shutil.rmtree(directory)
        try:
            _write(directory, content)
        except DataError:  # somebody else was faster
            if not _is_whole(directory, content):
                raise
    return str(directory)


def _write(directory: Path, content: Mapping[str, bytes]) -> None:
    with new_directory(directory) as aside:
        for file, text in content.items():
            (aside / file).write_bytes(text)


def _joined(split: str, documents: list[str]) -> bytes:
    for number, document in enumerate(documents):
        if "\n\n" in document or document.strip() != document or not document:
            raise DataError(
                f"document {number} of split {split!r} is empty, or has blank lines in it or around it",
                hint="a corpus file keeps its documents apart by blank lines",
            )
    return ("\n\n".join(documents) + "\n").encode("utf-8")


def _is_whole(directory: Path, content: Mapping[str, bytes]) -> bool:
    """Whether the directory holds exactly these bytes; a damaged file is written anew."""
    try:
        return all((directory / file).read_bytes() == text for file, text in content.items())
    except OSError:
        return False


def load_corpus(directory: str | Path, split: str = "train") -> TextCorpus:
    """The documents of one split of a corpus directory."""
    path = Path(directory, f"{split}.txt")
    if not path.is_file():
        found = sorted(file.stem for file in Path(directory).glob("*.txt"))
        raise DataError(
            f"no split {split!r} in the corpus {directory}",
            hint=f"it has: {', '.join(found)}" if found else "the directory holds no *.txt files",
        )
    return TextCorpus(path)


class TextCorpus:
    """The documents of one file, map-style: ``corpus[i] -> {"text": ...}``.

    The file is mapped into memory and documents are decoded when asked for.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        record_input(self.path)
        self._open()

    def _open(self) -> None:
        with open(self.path, "rb") as source:
            empty = self.path.stat().st_size == 0
            self._data = b"" if empty else mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ)
        self._bounds = list(_document_bounds(self._data))

    def __len__(self) -> int:
        return len(self._bounds)

    def __getitem__(self, index: int) -> dict[str, str]:
        start, end = self._bounds[index]
        return {"text": self._data[start:end].decode("utf-8")}

    def __iter__(self) -> Iterator[dict[str, str]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"TextCorpus({str(self.path)!r}, documents={len(self)})"

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}  # a memory map cannot travel to a worker; the path can

    def __setstate__(self, state: dict[str, Path]) -> None:
        self.path = state["path"]
        self._open()


def _document_bounds(data: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
    """Start and end of each document; the final newline is outside."""
    end_of_file = len(data)
    while end_of_file and data[end_of_file - 1 : end_of_file] == b"\n":
        end_of_file -= 1
    start = 0
    while start < end_of_file:
        end = data.find(_BETWEEN, start, end_of_file)
        end = end_of_file if end == -1 else end
        if end > start:
            yield start, end
        start = end + len(_BETWEEN)
        while data[start : start + 1] == b"\n":  # more than one blank line
            start += 1
