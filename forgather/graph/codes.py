"""The stable codes of all mistakes in a graph, with one line on each.

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

TITLES: Final[dict[str, str]] = {
    GRAPH: "the parsed config is not a sound graph",
    UNSUPPORTED_TYPE: "a value of a type that configs cannot hold",
    DUPLICATE_NAME: "two nodes with one name",
    BAD_SPEC: "a malformed import spec",
    NOT_FOUND: "a module, file or attribute that does not exist",
    NO_VALUE: "a variable without a value",
    NO_TARGET: "a target that does not exist",
    FAILED: "a constructor that failed",
    WRONG_ARGUMENTS: "arguments that do not fit the constructor",
    IMPORT_FAILED: "a module or file that fails while it is imported",
    NOT_CALLABLE: "an import spec of something that cannot be called",
    CYCLE: "a value that contains itself",
    TOO_DEEP: "values nested too deep",
    TOO_LARGE: "aliases of plain containers that stand for too many values",
}
