"""Write ``docs/errors.md`` and ``docs/errors/``, or check that they are in step.

``python -m forgather.catalogue [--check] [DOCS]``; DOCS is the folder ``docs`` of a checkout.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from forgather.catalogue import ENTRIES
from forgather.catalogue.pages import pages


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m forgather.catalogue", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare; 1 when pages are stale")
    parser.add_argument("docs", nargs="?", type=Path, default=Path("docs"))
    args = parser.parse_args(argv)
    stale = list(differences(args.docs))
    if args.check:
        for name in stale:
            print(f"{args.docs / name} is not in step with the catalogue")
        return int(bool(stale))
    write(args.docs)
    return 0


def differences(docs: Path) -> Iterator[str]:
    """Pages that are missing, stale, or of a code that is no more."""
    wanted = pages(ENTRIES)
    for name, text in wanted.items():
        path = docs / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield name
    yield from (name for name in _existing(docs) if name not in wanted)


def write(docs: Path) -> None:
    wanted = pages(ENTRIES)
    for name in _existing(docs):
        if name not in wanted:
            (docs / name).unlink()
    for name, text in wanted.items():
        path = docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _existing(docs: Path) -> Iterator[str]:
    yield from (path.relative_to(docs).as_posix() for path in sorted(docs.glob("errors/FG*.md")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
