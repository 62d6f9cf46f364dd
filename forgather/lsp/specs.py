"""From an import spec to the source that defines it, and the names that could complete one.

Reads source; imports nothing. What only running code could tell is passed over.
"""

from __future__ import annotations

import ast
import builtins
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence

from forgather.errors import ImportSpecError
from forgather.graph.natives import NATIVES
from forgather.graph.specs import SpecKind, module_prefix, parse_spec
from forgather.view.check.modules import (
    Definition,
    Module,
    find_module,
    lookup,
    names_of,
    read_module,
)
from forgather.view.check.signature import member, signature_of

Found = Definition | Module


def find(
    text: str, searchpath: Sequence[str] = (), system_path: Sequence[str] = ()
) -> Found | None:
    """What the spec names, or None where that cannot be told from source."""
    try:
        spec = parse_spec(text)
    except ImportSpecError:
        return None
    module_name, symbol = spec.module, spec.symbol
    if spec.kind is SpecKind.DOTTED:
        module_name = module_prefix(text) or ""
        symbol = text[len(module_name) + 1 :]
    if spec.kind in (SpecKind.NATIVE, SpecKind.BUILTIN) or not module_name:
        return None
    module = _module(module_name, searchpath, system_path)
    return _inside(module, symbol) if module is not None else None


def _module(name: str, searchpath: Sequence[str], system_path: Sequence[str]) -> Module | None:
    """A module by the part of a spec before the colon."""
    if name.endswith(".py"):
        found = read_module(name, os.path.basename(name)[:-3]) if os.path.isfile(name) else None
    elif name.startswith("."):
        stem = name.lstrip(".").replace(".", os.sep) + ".py"
        paths = (os.path.join(folder, stem) for folder in searchpath)
        file = next((path for path in paths if os.path.isfile(path)), None)
        found = read_module(file, f"_parts{name}") if file else None
    else:
        found = find_module(name, tuple(system_path))
    return found if isinstance(found, Module) else None


def _inside(module: Module, symbol: str) -> Found | None:
    found: object = module
    for name in filter(None, symbol.split(".")):
        if isinstance(found, Definition):
            found = member(found, name)
        elif isinstance(found, Module):
            found = lookup(found, name)
    return found if isinstance(found, (Definition, Module)) else None


def place(found: Found) -> tuple[str, int]:
    """(file, 1-based line)."""
    if isinstance(found, Module):
        return found.file, 1
    return found.module.file, getattr(found.node, "lineno", 1)


def describe(found: Found) -> tuple[str, str]:
    """(name with signature, docstring)."""
    if isinstance(found, Module):
        return f"module {found.name}", ast.get_docstring(found.tree) or ""
    node = found.node
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return ast.unparse(node), ""
    signature = signature_of(found)
    word = "class" if isinstance(node, ast.ClassDef) else "def"
    shown = f"{word} {node.name}{signature if signature is not None else '(...)'}"
    return shown, ast.get_docstring(node) or ""


def completions(
    typed: str, searchpath: Sequence[str] = (), system_path: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    """(spec, what it is) of each spec that ``typed`` could become with one more name."""
    if ":" in typed:
        name, _, symbol = typed.partition(":")
        yield from _symbols(name, symbol, searchpath, system_path)
    elif typed.startswith("."):
        yield from ((f".{stem}:", "part") for stem in _stems(searchpath))
    elif "." in typed:
        package = typed.rpartition(".")[0]
        found = find_module(package, tuple(system_path))
        if isinstance(found, Module):
            for info in pkgutil.iter_modules(list(found.package_path)):
                yield f"{package}.{info.name}", "package" if info.ispkg else "module"
    else:
        for name in (*NATIVES, *dir(builtins)):
            if not name.startswith("_") and callable(
                NATIVES.get(name, getattr(builtins, name, None))
            ):
                yield name, "builtin"
        for name in _top_level(tuple(system_path)):
            yield name, "module"


def _symbols(name: str, symbol: str, searchpath, system_path) -> Iterator[tuple[str, str]]:
    module = _module(name, searchpath, system_path)
    outer = symbol.rpartition(".")[0]
    found = _inside(module, outer) if module is not None else None
    if isinstance(found, Module):
        names = names_of(found)
    elif isinstance(found, Definition) and isinstance(found.node, ast.ClassDef):
        names = [child.name for child in found.node.body if hasattr(child, "name")]
    else:
        return
    prefix = f"{name}:{outer}." if outer else f"{name}:"
    for each in names:
        if not each.startswith("_"):
            yield prefix + each, "symbol"


def _stems(folders: Sequence[str]) -> list[str]:
    found = {
        entry[:-3]
        for folder in folders
        if os.path.isdir(folder)
        for entry in os.listdir(folder)
        if entry.endswith(".py") and not entry.startswith("_")
    }
    return sorted(found)


def _top_level(system_path: tuple[str, ...]) -> list[str]:
    paths = [*system_path, *(path for path in sys.path if path)]
    names = {info.name for info in pkgutil.iter_modules(paths)} | set(sys.stdlib_module_names)
    return sorted(name for name in names if not name.startswith("_"))
