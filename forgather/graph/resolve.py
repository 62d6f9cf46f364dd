"""From an import spec to the object it names. This imports, and therefore runs, user code.

Raises ImportSpecError for a malformed spec and ResolveError for one that leads nowhere, with the
nearest name that exists. When a module exists but fails while it is imported, its own exception is
the cause of the ResolveError, traceback and all.
"""

from __future__ import annotations

import builtins
import importlib
import os
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

from forgather.errors import ResolveError, did_you_mean, nearest
from forgather.graph import codes
from forgather.graph.files import import_file, parts_package
from forgather.graph.frames import user_frames
from forgather.graph.natives import NATIVES
from forgather.graph.specs import ImportSpec, SpecKind, module_prefix, parse_spec


def resolve(spec: str, searchpath: Sequence[str] = ()) -> Any:
    """The object that ``spec`` names; relative modules and imports are looked up in ``searchpath``."""
    parsed = parse_spec(spec)
    match parsed.kind:
        case SpecKind.NATIVE:
            return NATIVES[parsed.symbol]
        case SpecKind.BUILTIN:
            return _builtin(parsed.symbol)
        case SpecKind.DOTTED:
            return _dotted(parsed.symbol)
        case SpecKind.MODULE:
            return _symbol(_import_module(parsed.module, spec), parsed, spec)
        case SpecKind.RELATIVE:
            return _symbol(_import_relative(parsed.module, spec, searchpath), parsed, spec)
        case SpecKind.FILE:
            return _symbol(_import_path(parsed.module, spec, searchpath), parsed, spec)


def _builtin(symbol: str) -> Any:
    head, *rest = symbol.split(".")
    if not hasattr(builtins, head):
        known = [name for name in (*dir(builtins), *NATIVES) if not name.startswith("_")]
        close = nearest(symbol, known)
        raise ResolveError(
            f"there is no builtin {symbol!r}",
            hint=f"did you mean {close!r}?" if close else "anything else is named module:symbol",
        )
    return _attributes(getattr(builtins, head), rest, head, symbol)


def _dotted(symbol: str) -> Any:
    module_name = module_prefix(symbol)
    if module_name is None:
        head = symbol.partition(".")[0]
        raise ResolveError(
            f"cannot resolve {symbol!r}: {head!r} is neither a builtin nor an installed module",
            hint=_module_hint(head),
        )
    rest = symbol[len(module_name) + 1 :]
    module = _import_module(module_name, symbol)
    if not rest:
        raise ResolveError(
            f"{symbol!r} is a module", hint=f"name something inside it: {symbol}:symbol"
        )
    return _attributes(module, rest.split("."), module_name, symbol)


def _symbol(module: ModuleType, parsed: ImportSpec, spec: str) -> Any:
    head, *rest = parsed.symbol.split(".")
    if not hasattr(module, head) and hasattr(module, "__path__"):
        # As `from module import head` does: a submodule that nobody has imported yet.
        submodule = f"{module.__name__}.{head}"
        if importlib.util.find_spec(submodule) is not None:
            _import_module(submodule, spec)
    return _attributes(module, [head, *rest], parsed.module, spec)


def _attributes(value: Any, names: Iterable[str], place: str, spec: str) -> Any:
    for name in names:
        try:
            value = getattr(value, name)
        except AttributeError as error:
            known = [known for known in dir(value) if not known.startswith("_")]
            what = "module" if isinstance(value, ModuleType) else "object"
            raise ResolveError(
                f"cannot resolve {spec!r}: {what} {place!r} has no {name!r}",
                hint=did_you_mean(name, known),
            ) from error
        place = f"{place}.{name}"
    return value


def _import_module(name: str, spec: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == missing or name.startswith(missing + "."):
            raise ResolveError(
                f"cannot resolve {spec!r}: there is no module {missing!r}",
                hint=_module_hint(missing),
            ) from error
        raise _failed(name, spec, error) from error
    except Exception as error:
        raise _failed(name, spec, error) from error


def _import_relative(module: str, spec: str, searchpath: Sequence[str]) -> ModuleType:
    if not searchpath:
        raise ResolveError(
            f"cannot resolve {spec!r}: a relative module needs directories to look in",
            hint="give the node a submodule_searchpath",
        )
    package = parts_package(searchpath)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module, package)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{package}{module}".startswith(error.name):
            raise _failed(module, spec, error) from error
        raise ResolveError(
            f"cannot resolve {spec!r}: no {error.name[len(package) + 1 :]}.py in "
            + ", ".join(searchpath),
            hint=did_you_mean(module[1:], _stems(searchpath)),
        ) from error
    except Exception as error:
        raise _failed(module, spec, error) from error


def _import_path(path: str, spec: str, searchpath: Sequence[str]) -> ModuleType:
    if not os.path.isfile(path):
        folder = os.path.dirname(path) or "."
        stem = os.path.basename(path)[: -len(".py")]
        close = nearest(stem, _stems([folder]))
        raise ResolveError(
            f"cannot resolve {spec!r}: there is no file {path!r}",
            hint=f"did you mean {close + '.py'!r}?" if close else None,
        )
    try:
        return import_file(path, searchpath)
    except Exception as error:
        raise _failed(path, spec, error) from error


def _failed(module: str, spec: str, error: Exception) -> ResolveError:
    return ResolveError(
        f"cannot resolve {spec!r}: importing {module!r} failed: {type(error).__name__}: {error}",
        code=codes.IMPORT_FAILED,
        frames=user_frames(error),
    )


def _stems(folders: Iterable[str]) -> list[str]:
    found = [
        name[: -len(".py")]
        for folder in folders
        if os.path.isdir(folder)
        for name in os.listdir(folder)
        if name.endswith(".py")
    ]
    return sorted(set(found))


def _module_hint(missing: str) -> str | None:
    """The nearest module beside the missing one, or a word on installing it."""
    parent, _, name = missing.rpartition(".")
    if parent:
        package = sys.modules.get(parent)
        known = [found.name for found in pkgutil.iter_modules(getattr(package, "__path__", []))]
    else:
        known = [found.name for found in pkgutil.iter_modules()] + list(sys.builtin_module_names)
    close = nearest(name, known)
    if close:
        return f"did you mean {f'{parent}.{close}' if parent else close!r}?"
    return None if parent else "is it installed in this Python?"
