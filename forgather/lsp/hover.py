"""What is shown when the pointer rests on something: markdown, or None."""

from __future__ import annotations

import os
from pathlib import Path

from forgather.errors import Span
from forgather.lsp import specs
from forgather.lsp.definition import all_places, block_name, definitions, find_spec
from forgather.lsp.outline import Outline, Spot
from forgather.lsp.projects import Projects

DOCSTRING_LINES = 12
COMMENT_LINES = 12


def hover(projects: Projects, path: str, outline: Outline, spot: Spot) -> str | None:
    if spot.kind in ("block", "super"):
        return _block(projects, path, outline, spot)
    if spot.kind == "template":
        return _template(projects, path, outline, spot)
    if spot.kind == "spec":
        return _spec(projects, path, spot)
    return _anchor(projects, path, outline, spot)


def _block(projects: Projects, path: str, outline: Outline, spot: Spot) -> str | None:
    """Where the block comes from, base first, so that what wins is last."""
    name = block_name(outline, spot)
    chain = all_places(projects, path, outline, spot)
    if name is None:
        return None
    if not chain:
        return f"block `{name}`\n\nNo saved config that loads has this block here."
    lines = [f"block `{name}`", ""]
    for number, span in enumerate(chain):
        what = "overridden" if number else "defined"
        here = " (here)" if span.path == path and span.line == spot.line + 1 else ""
        lines.append(f"{number + 1}. {what} in {link(span)}{here}")
    return "\n".join(lines)


def _template(projects: Projects, path: str, outline: Outline, spot: Spot) -> str | None:
    found = definitions(projects, path, outline, spot)
    if not found:
        return f"`{spot.name}` is not in the search path."
    span = found[0]
    what = "template" if span.line == 1 else "inline template"
    text = f"{what} `{spot.name}`\n\n{link(span)}"
    comment = leading_comment(span)
    return f"{text}\n\n{comment}" if comment else text


def leading_comment(span: Span) -> str:
    """The ``##`` lines that a template begins with: what its author says about it."""
    if span.path is None:
        return ""
    try:
        lines = Path(span.path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    start = span.line - 1
    if start < len(lines) and not lines[start].startswith("##"):
        start += 1  # from the separator to the first line of an inline template
    comment: list[str] = []
    for line in lines[start : start + COMMENT_LINES]:
        if not line.startswith("##"):
            break
        comment.append(line[2:].strip())
    return "\n".join(comment)


def _spec(projects: Projects, path: str, spot: Spot) -> str | None:
    found = find_spec(projects, path, spot.name)
    if found is None:
        return None
    signature, documentation = specs.describe(found)
    file, line = specs.place(found)
    shown = "\n".join(documentation.splitlines()[:DOCSTRING_LINES])
    parts = [f"```python\n{signature}\n```", shown, link(Span("", line, None, file))]
    return "\n\n".join(part for part in parts if part)


def _anchor(projects: Projects, path: str, outline: Outline, spot: Spot) -> str | None:
    found = definitions(projects, path, outline, spot)
    if not found:
        return None
    lines = [f"anchor `{spot.name}`, defined in {link(found[0])}"]
    if found[0].text:
        lines.append(f"```yaml\n{found[0].text.strip()}\n```")
    return "\n\n".join(lines)


def link(span: Span) -> str:
    """``template:line`` that leads to the file."""
    name = span.template or (os.path.basename(span.path) if span.path else "?")
    if span.path is None:
        return f"`{name}:{span.line}`"
    return f"[{name}:{span.line}]({Path(span.path).absolute().as_uri()}#L{span.line})"
