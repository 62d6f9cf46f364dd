"""What a path, a digest or a key on the command line belongs to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from forgather.cli.context import Context
from forgather.cli.parser import Parser

if TYPE_CHECKING:
    from forgather.make.origin.find import Origin
    from forgather.make.origin.origins import Origins


def add_path_argument(parser: Parser) -> None:
    parser.add_argument("path", metavar="PATH", help="a file, a folder, or a digest")


def find_origin(context: Context, text: str) -> tuple[Origins, Origin]:
    """The origin, and those of its build root, which is around the path or around ``-p``."""
    from forgather.make.catalog import Catalog
    from forgather.make.origin.origins import Origins, root_of

    path = Path(os.path.abspath(text))
    root = root_of(path, Path(os.path.abspath(context.start)))
    origins = Origins(Catalog(root).build)
    return origins, origins.find(text, path)
