"""Which source files a target's result depends on, found without importing anything.

A constructor spec names a file (``/path/part.py:Name``), a part (``.causal_lm:CausalLM``) or a module
(``forgather.ml.datasets.stories:write_stories``). Modules of forgather and of the user's workspace are
followed through their static imports; installed packages are covered by the toolchain fingerprint.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from forgather.errors import BuildError, Span
from forgather.graph.specs import SpecKind, parse_spec
from forgather.make.probes import note_listing

OWN = "forgather."
NO_PYTHON = "FG611"
_imports: dict[tuple[str, str], list[str]] = {}  # (module, content digest) -> modules it imports


def module_file(name: str, roots: Iterable[Path]) -> Path | None:
    """The source file of module ``name`` below one of ``roots``, without importing parents."""
    relative = Path(*name.split("."))
    for root in roots:
        for candidate in (root / relative.with_suffix(".py"), root / relative / "__init__.py"):
            note_listing(candidate.parent)
            if candidate.is_file():
                return candidate
    return None


def imported_modules(module: str, path: Path, digest: str) -> list[str]:
    """Names that ``path`` (the source of ``module``) imports, relative ones made absolute."""
    known = _imports.get((module, digest))
    if known is None:
        tree = _parse(path)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        known = sorted(set(_import_names(tree, package)))
        _imports[module, digest] = known
    return known


def _parse(path: Path) -> ast.Module:
    """Raises BuildError at the line that is no Python."""
    try:
        return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        text = getattr(error, "text", None)
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None)
        raise BuildError(
            f"{path.name} is no Python: {getattr(error, 'msg', error)}",
            where=Span(path.name, line, column, str(path), text),
            code=NO_PYTHON,
        ) from None


def _import_names(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if node.level else []
            base = ".".join(parts[: len(parts) - node.level + 1] if node.level else [])
            name = ".".join(filter(None, (base, node.module or "")))
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def code_files(
    specs: Iterable[str], digests, local_roots: Iterable[Path], *, own: bool
) -> dict[str, Path]:
    """Source files behind ``specs``: module name, or absolute path of a file, -> path.

    Of a user's module the ``__init__.py`` of its packages count, too: importing it runs them. Those of
    forgather only say where things are.

    own: include forgather's own modules (for artifacts that they generate); else only the user's.
    local_roots: folders of the user's code (project, workspace, ``system_path``).
    """
    package_root = Path(__file__).parents[2]
    roots = [package_root, *local_roots] if own else list(local_roots)
    found: dict[str, Path] = {}
    waiting: list[str] = []
    for spec in specs:
        parsed = parse_spec(spec)
        if parsed.kind is SpecKind.FILE:
            found[parsed.module] = path = Path(parsed.module)
            waiting += imported_modules(path.stem, path, digests(path))
        elif parsed.kind is SpecKind.MODULE:
            waiting.append(parsed.module)
        elif parsed.kind is SpecKind.DOTTED:
            waiting.append(parsed.symbol.rpartition(".")[0])
    while waiting:
        module = waiting.pop()
        if module in found or module.partition(".")[0] in sys.stdlib_module_names:
            continue
        path = module_file(module, roots)
        if path is None:
            continue
        found[module] = path
        waiting += imported_modules(module, path, digests(path))
        parent = module.rpartition(".")[0]
        if parent and not module.startswith(OWN):
            waiting.append(parent)
    return found
