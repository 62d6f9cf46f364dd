"""Find modules and the names they define by reading source, without importing anything.

The answer to "does this module have this name?" is one of three: a definition, :data:`MISSING`, or
:data:`UNKNOWN` where only running the module could tell (compiled extensions, lazy modules, names
made by ``setattr``). Checks report the second and pass over the third.
"""

from __future__ import annotations

import ast
import os
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from forgather.errors import nearest

DEPTH = 12  # re-exports followed before giving up


class _Answer:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


UNKNOWN = _Answer("UNKNOWN")
MISSING = _Answer("MISSING")


@dataclass(frozen=True)
class Module:
    """A module whose source could be read. ``path``: the directory of a package, else empty."""

    name: str
    file: str
    tree: ast.Module = field(repr=False, compare=False)
    package_path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Definition:
    """A class, a function, or another binding (``node`` is then the statement)."""

    module: Module
    node: ast.AST = field(compare=False)
    line: int = 0


def find_module(name: str, searchpath: tuple[str, ...] = ()) -> Module | _Answer:
    """The module called ``name``; ``searchpath`` comes before ``sys.path`` for its first part."""
    if name == "os.path":  # no finder knows this alias
        name = os.path.__name__
    spec, locations = None, None
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        spec = _find_spec(".".join(parts[:count]), locations, searchpath)
        if spec is None:
            return MISSING
        if spec.submodule_search_locations is None and count < len(parts):
            return MISSING
        locations = list(spec.submodule_search_locations or ())
    if spec.origin is None or not spec.origin.endswith(".py"):
        return UNKNOWN  # a namespace package, built in, or compiled
    return read_module(spec.origin, name, tuple(locations))


def nearest_module(name: str, searchpath: tuple[str, ...] = ()) -> str | None:
    """The module that a name which is none is most like: beside its first part that is not there."""
    spec, locations = None, None
    parts = name.split(".")
    for count, part in enumerate(parts):
        spec = _find_spec(".".join(parts[: count + 1]), locations, searchpath)
        if spec is None:
            folders = [*searchpath, *sys.path] if locations is None else locations
            known = [found.name for found in pkgutil.iter_modules(folders)]
            if locations is None:
                known += sys.stdlib_module_names
            close = nearest(part, known)
            if close is None or close == part:  # a module of another platform
                return None
            found = ".".join([*parts[:count], close, *parts[count + 1 :]])
            is_there = find_module(found, searchpath) is not MISSING
            return found if is_there else nearest_module(found, searchpath)  # a later part, too
        locations = list(spec.submodule_search_locations or ())
    return None


def _find_spec(name: str, locations, searchpath: tuple[str, ...]) -> ModuleSpec | None:
    own = list(searchpath) if locations is None else []
    if own and (spec := PathFinder.find_spec(name, own)) is not None:
        return spec
    for finder in sys.meta_path:
        if (spec := finder.find_spec(name, locations)) is not None:
            return spec
    return None


@lru_cache(maxsize=512)
def read_module(file: str, name: str, package_path: tuple[str, ...] = ()) -> Module | _Answer:
    try:
        tree = ast.parse(Path(file).read_bytes(), filename=file)
    except (OSError, SyntaxError, ValueError):
        return UNKNOWN  # its own problem; importing it will say so
    return Module(name, file, tree, package_path)


def lookup(module: Module, name: str, depth: int = DEPTH) -> Definition | Module | _Answer:
    """What ``name`` is in ``module``: re-exports are followed to where the thing is defined."""
    table = _bindings(module)
    found = table.names.get(name, [])
    if not depth or len(found) > 1:
        return UNKNOWN
    if found:
        return _follow(module, name, found[0], depth)
    for star in table.stars:
        source = _imported_module(module, star)
        answer = lookup(source, name, depth - 1) if isinstance(source, Module) else UNKNOWN
        if answer is not MISSING:
            return answer
    if module.package_path:
        inner = find_module_in(module, name)
        if inner is not MISSING:
            return inner
    return UNKNOWN if table.dynamic else MISSING


def find_module_in(package: Module, name: str) -> Module | _Answer:
    """The submodule ``name`` of a package."""
    full = f"{package.name}.{name}"
    spec = PathFinder.find_spec(full, list(package.package_path))
    if spec is None:
        return MISSING
    if spec.origin is None or not spec.origin.endswith(".py"):
        return UNKNOWN
    return read_module(spec.origin, full, tuple(spec.submodule_search_locations or ()))


def names_of(module: Module) -> list[str]:
    """Names a user may have meant: those bound here, and in modules of which all is imported."""
    table = _bindings(module)
    found = {name for name in table.names if not name.startswith("_")}
    for star in table.stars:
        source = _imported_module(module, star)
        if isinstance(source, Module) and source.file != module.file:
            found.update(name for name in _bindings(source).names if not name.startswith("_"))
    return sorted(found)


@dataclass
class _Table:
    names: dict[str, list[ast.AST]] = field(default_factory=dict)
    stars: list[ast.ImportFrom] = field(default_factory=list)
    dynamic: bool = False

    def bind(self, name: str, node: ast.AST) -> None:
        self.names.setdefault(name, []).append(node)


@lru_cache(maxsize=512)
def _bindings(module: Module) -> _Table:
    table = _Table()
    for statement, typing_only in _statements(module.tree.body):
        _bind(table, statement, typing_only)
    return table


def _statements(body: Sequence[ast.stmt], typing_only: bool = False) -> Iterator:
    """Statements that run at import, with a flag for those under ``if TYPE_CHECKING``."""
    for statement in body:
        yield statement, typing_only
        inner = typing_only or (
            isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)
        )
        if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
            yield from _statements(statement.body, inner)
            for handler in getattr(statement, "handlers", ()):
                yield from _statements(handler.body, typing_only)
            yield from _statements(getattr(statement, "orelse", ()), typing_only)
            yield from _statements(getattr(statement, "finalbody", ()), typing_only)


def _bind(table: _Table, statement: ast.stmt, typing_only: bool) -> None:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        table.dynamic |= statement.name == "__getattr__"
        overload = any("overload" in ast.unparse(d) for d in statement.decorator_list)
        if not overload:
            table.bind(statement.name, statement)
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            if alias.name != "*":
                table.bind(alias.asname or alias.name, statement)
            elif typing_only:
                table.dynamic = True
            else:
                table.stars.append(statement)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            table.bind(alias.asname or alias.name.partition(".")[0], statement)
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and not _is_part(node, target):
                    table.bind(node.id, statement)
            table.dynamic |= isinstance(target, ast.Subscript)
    if isinstance(statement, ast.Expr | ast.Assign | ast.For):
        table.dynamic |= any(
            isinstance(node, ast.Name) and node.id in ("globals", "setattr", "exec", "vars")
            for node in ast.walk(statement)
        )


def _is_part(node: ast.Name, target: ast.expr) -> bool:
    """True for ``x`` in ``x.y = 1`` and ``x[0] = 1``: nothing named x is defined by that."""
    return isinstance(target, ast.Attribute | ast.Subscript)


def _follow(module: Module, name: str, node: ast.AST, depth: int):
    if isinstance(node, ast.ImportFrom):
        original = next(a.name for a in node.names if (a.asname or a.name) == name)
        source = _imported_module(module, node)
        if not isinstance(source, Module):
            return UNKNOWN
        if source.file == module.file:  # from . import sub, in a package's own __init__
            return find_module_in(module, original)
        answer = lookup(source, original, depth - 1)
        return UNKNOWN if answer is MISSING else answer
    if isinstance(node, ast.Import):
        alias = next(a for a in node.names if (a.asname or a.name.partition(".")[0]) == name)
        found = find_module(alias.name if alias.asname else name)
        return UNKNOWN if found is MISSING else found
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and depth:
        answer = lookup(module, node.value.id, depth - 1) if node.value.id != name else UNKNOWN
        return UNKNOWN if answer is MISSING else answer
    return Definition(module, node, node.lineno)


def _imported_module(module: Module, node: ast.ImportFrom) -> Module | _Answer:
    if node.level == 0:
        return find_module(node.module)
    folder = Path(module.file).parent
    base = module.name.split(".") if module.package_path else module.name.split(".")[:-1]
    for _ in range(node.level - 1):
        folder, base = folder.parent, base[:-1]
    if node.module is None:
        file = folder / "__init__.py"
        return read_module(str(file), ".".join(base), (str(folder),)) if file.exists() else UNKNOWN
    for part in node.module.split("."):
        folder = folder / part
    name = ".".join([*base, node.module])
    if (folder / "__init__.py").exists():
        return read_module(str(folder / "__init__.py"), name, (str(folder),))
    file = folder.with_suffix(".py")
    return read_module(str(file), name) if file.exists() else UNKNOWN


def forget_sources() -> None:
    """Read modules again when next asked: for a process that outlives edits, such as an editor's."""
    read_module.cache_clear()
    _bindings.cache_clear()
