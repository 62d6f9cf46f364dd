"""Which model source files a graph uses: those it names, and what they import from each other.

Found by reading, never by importing, so that looking at a config runs none of its code. A file counts
only if it is reached; an unused neighbour is in no package and in no digest.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forgather.errors import CodegenError, ImportSpecError, Span, did_you_mean
from forgather.graph.nodes import CallableNode
from forgather.graph.specs import SpecKind, parse_spec
from forgather.graph.walk import nodes


@dataclass(frozen=True, slots=True)
class PartSpec:
    """A relative import spec in a graph (``.causal_lm:CausalLM``) and the place that names it."""

    spec: str
    module: str
    symbol: str
    path: str = ""
    span: Span | None = None

    @property
    def place(self) -> str:
        return f" (at {self.path})" if self.path else ""


def part_specs(graph: Any) -> list[PartSpec]:
    """The relative specs of a graph, each once, in document order."""
    found: dict[str, PartSpec] = {}
    for path, node in nodes(graph):
        if isinstance(node, CallableNode) and node.constructor.startswith("."):
            found.setdefault(node.constructor, part_spec(node.constructor, path, node.span))
    return list(found.values())


def part_spec(spec: str, path: str = "", span: Span | None = None) -> PartSpec:
    """Raises CodegenError for a spec that is malformed or leads below the flat folder of parts."""
    try:
        parsed = parse_spec(spec)
    except ImportSpecError as error:
        raise CodegenError(error.message, where=span, hint=error.hint) from error
    module = parsed.module[1:]
    if parsed.kind is not SpecKind.RELATIVE or "." in module:
        raise CodegenError(
            f"{spec!r} is not a model part",
            where=span,
            hint="parts lie flat in one folder: write .file:Class, without further dots",
        )
    return PartSpec(spec, module, parsed.symbol, path, span)


def closure_files(specs: Iterable[PartSpec | str], searchpath: Sequence[str | Path]) -> list[Path]:
    """The files that ``specs`` name and all they import relatively, sorted by name.

    The first directory of ``searchpath`` that has a file wins. Raises CodegenError for a part, or an
    imported sibling, that none has; for an imported name a part does not define; and for a relative
    import that a flat package cannot hold.
    """
    directories = [Path(directory) for directory in searchpath]
    files: dict[str, Path] = {}
    for spec in specs:
        part = part_spec(spec) if isinstance(spec, str) else spec
        path = find_part(part.module, directories)
        if path is None:
            raise missing_part(part, directories)
        check_symbol(part, path)
        add_reached(path, directories, files)
    return [files[name] for name in sorted(files)]


def find_part(module: str, directories: Sequence[Path]) -> Path | None:
    candidates = (directory / f"{module}.py" for directory in directories)
    return next((path for path in candidates if path.is_file()), None)


def add_reached(start: Path, directories: Sequence[Path], files: dict[str, Path]) -> None:
    """Add ``start`` and every file it reaches to ``files``."""
    pending = [start]
    while pending:
        path = pending.pop()
        if path.stem in files:
            continue
        files[path.stem] = path
        for module, line in sibling_imports(path):
            sibling = find_part(module, directories)
            if sibling is None:
                raise CodegenError(
                    f"{path.name} imports .{module}, which is in none of the model source folders",
                    where=Span(path.name, line, path=str(path)),
                    hint=known_parts(module, directories),
                )
            pending.append(sibling)


def sibling_imports(path: Path) -> list[tuple[str, int]]:
    """(module, line) of each ``from .module import ...`` in a file."""
    found = []
    for node in ast.walk(parse_file(path)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        if node.level > 1 or not node.module or "." in node.module:
            raise CodegenError(
                f"{path.name}: a model package is flat, so a part can only use `from .name import ...`",
                where=Span(path.name, node.lineno, path=str(path)),
            )
        found.append((node.module, node.lineno))
    return found


def parse_file(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    except SyntaxError as error:
        raise CodegenError(
            f"{path.name}: {error.msg}",
            where=Span(path.name, error.lineno or 1, error.offset, str(path), error.text),
        ) from error
    except UnicodeDecodeError as error:
        raise CodegenError(
            f"{path.name} is not UTF-8 text", where=Span(path.name, 1, path=str(path))
        ) from error


def check_symbol(part: PartSpec, path: Path) -> None:
    """Raise CodegenError unless the file binds the symbol at its top level."""
    head = part.symbol.partition(".")[0]
    names = set(top_level_names(parse_file(path)))
    if head not in names and "*" not in names:
        raise CodegenError(
            f"{path.name} defines no {head!r}{part.place}",
            where=part.span,
            hint=did_you_mean(head, (name for name in names if not name.startswith("_"))),
        )


def top_level_names(tree: ast.Module) -> Iterable[str]:
    """Names bound at the top of a module, also inside its ``if`` and ``try`` blocks."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        statement = pending.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            yield from ((item.asname or item.name).partition(".")[0] for item in statement.names)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            yield from (
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )
        else:
            pending += [
                node for node in ast.iter_child_nodes(statement) if isinstance(node, ast.stmt)
            ]
            pending += [
                node for handler in getattr(statement, "handlers", []) for node in handler.body
            ]


def missing_part(part: PartSpec, directories: Sequence[Path]) -> CodegenError:
    looked = "\n".join(f"    {directory}" for directory in directories) or "    (nowhere)"
    return CodegenError(
        f"model part {part.spec!r}{part.place}: no file {part.module}.py in any of\n{looked}",
        where=part.span,
        hint=f"{known_parts(part.module, directories)}; the folders are set in "
        "[model_submodule_searchpath]",
    )


def known_parts(module: str, directories: Sequence[Path]) -> str:
    return did_you_mean(
        module, {path.stem for directory in directories for path in directory.glob("*.py")}
    )
