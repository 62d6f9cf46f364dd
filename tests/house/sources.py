"""The Python files that are ours: found, parsed once, and nothing that is built or generated."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("forgather", "modelsrc", "examples", "benchmarks", "tests")
SKIPPED = {"build", "output_models", "__pycache__", "cases", "tmp"}


@dataclass(frozen=True)
class Source:
    """One file: its path from the root of the repository, its text, its tree."""

    name: str
    text: str
    tree: ast.Module


def sources(root: Path = ROOT) -> Iterator[Source]:
    for path in paths(root):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root).as_posix()
        yield Source(name, text, ast.parse(text, filename=name))


def paths(root: Path) -> Iterator[Path]:
    for path in sorted(root.glob("*.py")):
        yield path
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if not SKIPPED.intersection(path.relative_to(root).parts[:-1]):
                yield path
