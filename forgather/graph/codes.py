"""The stable codes of all mistakes in a graph; :mod:`forgather.catalogue` tells of each.

Most are the default of an error class in :mod:`forgather.errors`; the others refine one.
"""

from __future__ import annotations

from typing import Final

GRAPH: Final = "FG300"
UNSUPPORTED_TYPE: Final = "FG301"
DUPLICATE_NAME: Final = "FG302"
BAD_SPEC: Final = "FG303"
NOT_FOUND: Final = "FG304"
NO_VALUE: Final = "FG305"
NO_TARGET: Final = "FG306"
FAILED: Final = "FG307"
WRONG_ARGUMENTS: Final = "FG308"
IMPORT_FAILED: Final = "FG309"
NOT_CALLABLE: Final = "FG310"
CYCLE: Final = "FG311"
TOO_DEEP: Final = "FG312"
TOO_LARGE: Final = "FG313"
