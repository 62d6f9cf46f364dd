"""All templates on a search path and what each says of its parents, read from source: ``tlist``.

Nothing is rendered, so a parent that is computed (``-- extends ns.trainer_class``) is not known here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forgather.errors import ForgatherError
from forgather.lang.blocks import expand
from forgather.lang.source import Section, split
from forgather.lang.sugar import translate

if TYPE_CHECKING:
    from forgather.meta_config import MetaConfig

COMMENT = re.compile(r"\{#.*?#\}", re.S)
REFERENCE = re.compile(r"\{%[-+]?\s*(extends|include|import|from)\s+(['\"])(.+?)\2")


@dataclass(frozen=True)
class Template:
    """name: how other templates refer to it; shadowed: another file of this name is found first."""

    name: str
    path: str
    line: int
    inline: bool
    shadowed: bool
    references: tuple[tuple[str, str], ...]

    @property
    def relative_path(self) -> str:
        return os.path.relpath(self.path)

    @property
    def parent(self) -> str | None:
        return next((name for kind, name in self.references if kind == "extends"), None)


def all_templates(meta: MetaConfig) -> list[Template]:
    """Every template file under every search directory, in search order, with its inline templates."""
    return list(_templates(meta.searchpath))


def _templates(searchpath: Sequence[str]) -> Iterator[Template]:
    names: set[str] = set()
    paths: set[str] = set()
    for directory in searchpath:
        for path in _files(directory):
            name = os.path.relpath(path, directory).replace(os.sep, "/")
            shadowed = name in names
            names.add(name)
            if path in paths:
                continue
            paths.add(path)
            text = Path(path).read_text(encoding="utf-8", errors="replace")
            for section in split(text, name, path):
                yield Template(
                    section.name,
                    path,
                    section.first_line,
                    section.inline,
                    shadowed,
                    static_references(section),
                )


def _files(directory: str) -> Iterator[str]:
    for folder, folders, files in os.walk(directory):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(".yaml"))


def static_references(section: Section) -> tuple[tuple[str, str], ...]:
    """(extends | include | import, name) for every reference that is a plain string."""
    try:
        text = COMMENT.sub("", expand(translate(section)))
    except ForgatherError:
        return ()  # its own mistake; rendering it will say so
    found = {
        ("import" if kind == "from" else kind, name) for kind, _, name in REFERENCE.findall(text)
    }
    return tuple(sorted(found))


def template_data(templates: Sequence[Template]) -> list[dict[str, Any]]:
    return [
        {
            "template": template.name,
            "file": template.path,
            "line": template.line,
            "inline": template.inline,
            "shadowed": template.shadowed,
            "extends": template.parent,
            "references": [{"kind": kind, "template": name} for kind, name in template.references],
        }
        for template in templates
    ]


def forest_markdown(templates: Sequence[Template]) -> str:
    """Each template under the one it extends; roots first by name."""
    children: dict[str | None, list[Template]] = {}
    reachable = {template.name: template for template in templates if not template.shadowed}
    for template in reachable.values():
        parent = template.parent if template.parent in reachable else None
        children.setdefault(parent, []).append(template)
    lines: list[str] = []
    _branch(children, None, 0, lines, set())
    return "\n".join(lines)


def _branch(children: dict, name: str | None, level: int, lines: list[str], seen: set[str]) -> None:
    for template in sorted(children.get(name, ()), key=lambda template: template.name):
        if template.name not in seen:
            seen.add(template.name)
            lines.append(f"{' ' * (4 * level)}- [{template.name}]({template.relative_path})")
            _branch(children, template.name, level + 1, lines, seen)
