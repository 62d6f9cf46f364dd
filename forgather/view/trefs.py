"""The templates that one config is made of: who refers to whom, as data and in several forms.

Made from what a render really loaded, so computed references are there too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forgather.lang.render import Rendered

KINDS = ("trainer", "model", "dataset", "tokenizer", "callback", "config")
COLOURS = {
    "trainer": "#cfe2f3",
    "model": "#d9ead3",
    "dataset": "#fff2cc",
    "tokenizer": "#ead1dc",
    "callback": "#fce5cd",
    "config": "#eeeeee",
}


@dataclass
class TemplateUse:
    """One template with what it refers to; each template is expanded where it is met first.

    how: extends, include or import; empty for the config itself.
    """

    name: str
    path: str | None
    line: int
    how: str
    inline: bool
    children: list[TemplateUse] = field(default_factory=list)

    @property
    def kind(self) -> str:
        folders = f"/{self.name.lower()}"
        return next((kind for kind in KINDS if f"/{kind}" in folders), "config")


def reference_tree(rendered: Rendered) -> TemplateUse:
    """The config's own template at the root; children by name, each template once."""
    sections = rendered.sections
    references: dict[str, dict[str, str]] = {}
    for reference in rendered.references:
        references.setdefault(reference.parent, {}).setdefault(reference.child, reference.kind)
    seen: set[str] = set()

    def use(name: str, how: str) -> TemplateUse:
        seen.add(name)
        section = sections[name]
        made = TemplateUse(name, section.path, section.first_line, how, section.inline)
        for child, kind in sorted(references.get(name, {}).items()):
            if child not in seen:
                made.children.append(use(child, kind))
        return made

    return use(next(iter(sections)), "")


def walk(root: TemplateUse, level: int = 0) -> Iterator[tuple[int, TemplateUse]]:
    yield level, root
    for child in root.children:
        yield from walk(child, level + 1)


def files(root: TemplateUse) -> list[str]:
    """Paths relative to the current directory, each once."""
    paths = (use.path for _, use in walk(root) if use.path)
    return list(dict.fromkeys(os.path.relpath(path) for path in paths))


def markdown(root: TemplateUse) -> str:
    return "\n".join(f"{' ' * (4 * level)}- {_link(use)}" for level, use in walk(root))


def _link(use: TemplateUse) -> str:
    return f"[{use.name}]({os.path.relpath(use.path)})" if use.path else use.name


def tree(root: TemplateUse, title: str) -> str:
    """Box-drawing tree; what each template is to the one above it stands behind its name."""
    lines = [title, "=" * len(title), root.name]
    _branches(root, "", lines)
    return "\n".join(lines)


def _branches(use: TemplateUse, prefix: str, lines: list[str]) -> None:
    for index, child in enumerate(use.children):
        last = index == len(use.children) - 1
        inline = ", inline" if child.inline else ""
        lines.append(f"{prefix}{'└── ' if last else '├── '}{child.name} ({child.how}{inline})")
        _branches(child, prefix + ("    " if last else "│   "), lines)


def dot(root: TemplateUse, title: str) -> str:
    """A digraph: an arrow from each template to what it refers to, boxes coloured by kind."""
    lines = [
        "digraph templates {",
        f"    label={_quote(title)};",
        "    rankdir=LR;",
        '    node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    for _, use in walk(root):
        lines.append(f'    {_quote(use.name)} [fillcolor="{COLOURS[use.kind]}"];')
    for _, use in walk(root):
        for child in use.children:
            style = "" if child.how == "extends" else " [style=dashed]"
            lines.append(f"    {_quote(use.name)} -> {_quote(child.name)}{style};")
    return "\n".join([*lines, "}"])


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def as_data(root: TemplateUse) -> dict[str, Any]:
    return {
        "template": root.name,
        "file": root.path,
        "line": root.line,
        "inline": root.inline,
        "how": root.how or None,
        "references": [as_data(child) for child in root.children],
    }
