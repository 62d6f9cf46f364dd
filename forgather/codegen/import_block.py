"""The imports of a generated module, merged and in the order isort gives them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence


def bound_names(statements: Iterable[str]) -> dict[tuple[str, str], str]:
    """(module, symbol) -> the name it is bound to; relative modules keep their dots."""
    found = {}
    for node in ast.parse("\n".join(statements)).body:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {(module, item.name): item.asname or item.name for item in node.names}
    return found


def import_block(text: str, statements: Sequence[str]) -> str:
    """``text`` with its own top-level imports and ``statements`` as one block, after the docstring."""
    tree = ast.parse(text)
    own = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    lines = text.splitlines()
    insert_at = own[0].lineno - 1
    for node in reversed(own):
        del lines[node.lineno - 1 : node.end_lineno]
    added = ast.parse("\n".join(statements)).body
    lines[insert_at:insert_at] = [*grouped([*own, *added]), ""]
    return "\n".join(lines) + "\n"


def grouped(imports: Iterable[ast.stmt]) -> list[str]:
    """Lines of the standard library, third parties and siblings, with a blank line between."""
    plain: set[tuple[str, str | None]] = set()
    symbols: dict[str, set[tuple[str, str | None]]] = {}
    for node in imports:
        if isinstance(node, ast.Import):
            plain |= {(item.name, item.asname) for item in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            symbols.setdefault(module, set()).update((i.name, i.asname) for i in node.names)
    groups: list[list[str]] = [[], [], []]
    for item in sorted(plain, key=lambda item: item[0]):
        groups[rank(item[0])].append(f"import {written(item)}")
    for module in sorted(symbols):
        names = ", ".join(written(item) for item in sorted(symbols[module], key=str))
        groups[rank(module)].append(f"from {module} import {names}")
    blocks = ["\n".join(group) for group in groups if group]
    return "\n\n".join(blocks).splitlines()


def rank(module: str) -> int:
    if module.startswith("."):
        return 2
    return 0 if module.partition(".")[0] in sys.stdlib_module_names else 1


def written(item: tuple[str, str | None]) -> str:
    name, alias = item
    return f"{name} as {alias}" if alias else name
