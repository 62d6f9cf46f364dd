"""Import specs as data: what ``module:symbol`` and its relatives say, without importing anything."""

from __future__ import annotations

import builtins
import importlib.machinery
import sys
from enum import Enum
from keyword import iskeyword
from typing import NamedTuple

from forgather.errors import ImportSpecError
from forgather.graph.natives import NATIVES

EXPECTED = (
    "expected a builtin name, module:symbol, .module:symbol (looked up in submodule_searchpath)"
    " or path/file.py:symbol"
)


class SpecKind(Enum):
    NATIVE = "native"  # one of NATIVES
    BUILTIN = "builtin"  # a Python builtin, or an attribute of one
    MODULE = "module"  # module:symbol
    RELATIVE = "relative"  # .module:symbol
    FILE = "file"  # path/file.py:symbol
    DOTTED = "dotted"  # a.b.c, where the head is not a builtin


class ImportSpec(NamedTuple):
    """A parsed import spec.

    module: module name, relative module name or file path; empty for natives and builtins. A dotted
        spec has the whole path in ``symbol``, because only looking tells where the module ends.
    symbol: the dotted name inside it.
    """

    kind: SpecKind
    module: str
    symbol: str


def parse_spec(text: str) -> ImportSpec:
    """Raise ImportSpecError for a malformed spec; whether the thing exists is not asked."""
    if not isinstance(text, str) or not text:
        raise _malformed(text, "it is empty")
    if ":" not in text:
        return _parse_name(text)
    module, _, symbol = text.rpartition(":")
    if ":" in module:
        raise _malformed(text, "there is more than one colon", _one_colon(text))
    if not module or not symbol:
        raise _malformed(text, "a name is missing beside the colon")
    if not _is_dotted(symbol):
        raise _malformed(text, f"{symbol!r} is not a name")
    if "/" in module or module.endswith(".py"):
        if not module.endswith(".py"):
            raise _malformed(text, f"the file {module!r} does not end in .py")
        return ImportSpec(SpecKind.FILE, module, symbol)
    if module.startswith("."):
        if not _is_dotted(module[1:]):
            raise _malformed(text, f"{module!r} is not a relative module")
        return ImportSpec(SpecKind.RELATIVE, module, symbol)
    if not _is_dotted(module):
        raise _malformed(text, f"{module!r} is not a module name")
    return ImportSpec(SpecKind.MODULE, module, symbol)


def _parse_name(text: str) -> ImportSpec:
    if not _is_dotted(text):
        raise _malformed(text, f"{text!r} is not a name")
    head = text.partition(".")[0]
    if text in NATIVES:
        return ImportSpec(SpecKind.NATIVE, "", text)
    if hasattr(builtins, head) or "." not in text:
        return ImportSpec(SpecKind.BUILTIN, "", text)
    return ImportSpec(SpecKind.DOTTED, "", text)


def module_prefix(dotted: str) -> str | None:
    """The longest part of ``a.b.c`` that is a module, found without importing anything.

    None when the head is not installed. Asks the finders only: importlib.util.find_spec would import
    the parents, and what happens to be loaded must not change the answer.
    """
    names = dotted.split(".")
    found: str | None = None
    path: list[str] | None = None
    for count in range(1, len(names) + 1):
        name = ".".join(names[:count])
        spec = _find_spec(name, path)
        if spec is None:
            break
        found = name
        if spec.submodule_search_locations is None:
            break
        path = list(spec.submodule_search_locations)
    return found


def _find_spec(name: str, path: list[str] | None) -> importlib.machinery.ModuleSpec | None:
    for finder in sys.meta_path:
        if (find := getattr(finder, "find_spec", None)) and (spec := find(name, path)) is not None:
            return spec
    return None


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() and not iskeyword(part) for part in name.split("."))


def _one_colon(text: str) -> str:
    module, *rest = text.split(":")
    return f"write {module}:{'.'.join(rest)}"


def _malformed(text: object, reason: str, hint: str | None = None) -> ImportSpecError:
    return ImportSpecError(f"malformed import spec {text!r}: {reason}", hint=hint or EXPECTED)
