"""Where the thing under the cursor is defined, and who else has it."""

from __future__ import annotations

import os
from collections.abc import Iterator

from forgather.errors import Span
from forgather.lsp import specs
from forgather.lsp.outline import Outline, Spot
from forgather.lsp.projects import Context, Projects


def definitions(projects: Projects, path: str, outline: Outline, spot: Spot) -> list[Span]:
    """The places that ``spot`` refers to, best first.

    block, super: what this block overrides, nearest parent first; else the block itself.
    """
    if spot.kind == "template":
        return _template(projects, path, outline, spot)
    if spot.kind in ("block", "super"):
        return _overridden(projects, path, outline, spot)
    if spot.kind in ("alias", "anchor"):
        return _anchor(projects, path, outline, spot)
    return _spec(projects, path, spot)


def all_places(projects: Projects, path: str, outline: Outline, spot: Spot) -> list[Span]:
    """All templates of the inheritance chain that have this block, base first."""
    block = block_name(outline, spot)
    if block is None:
        return []
    for context in projects.contexts(path):
        if found := context.block_chain(block, template_of(context, path, outline, spot)):
            return found
    return []


def overrides(projects: Projects, path: str, outline: Outline, spot: Spot) -> list[Span]:
    """The templates that override this block, nearest child first."""
    chain = all_places(projects, path, outline, spot)
    line = _own_line(outline, spot)
    own = next((i for i, span in enumerate(chain) if _is_here(span, path, line)), None)
    return [] if own is None else chain[own + 1 :]


def block_name(outline: Outline, spot: Spot) -> str | None:
    if spot.kind == "block":
        return spot.name
    if spot.kind != "super":
        return None
    blocks = outline.enclosing_blocks(spot.line)
    return blocks[-1] if blocks else None


def template_of(context: Context, path: str, outline: Outline, spot: Spot) -> str | None:
    """The logical name of the template that a spot of this file stands in."""
    return spot.section or context.name_of(path)


def _overridden(projects: Projects, path: str, outline: Outline, spot: Spot) -> list[Span]:
    chain = all_places(projects, path, outline, spot)
    line = _own_line(outline, spot)
    own = next((i for i, span in enumerate(chain) if _is_here(span, path, line)), None)
    if own is not None:
        # Parents, nearest first; the definition itself where there are none.
        return chain[:own][::-1] or [chain[own]]
    return chain[::-1] or _local_block(path, outline, spot)


def _is_here(span: Span, path: str, line: int | None) -> bool:
    if span.path is None or span.line != line:
        return False
    return os.path.realpath(span.path) == os.path.realpath(path)


def _own_line(outline: Outline, spot: Spot) -> int | None:
    """The 1-based line that opens the block that ``spot`` speaks of, in the same part."""
    name = block_name(outline, spot)
    for other in outline.spots:
        if (other.kind, other.name, other.section) == ("block", name, spot.section):
            return other.line + 1
    return None


def _local_block(path: str, outline: Outline, spot: Spot) -> list[Span]:
    line = _own_line(outline, spot)
    return [] if line is None else [Span("", line, None, path)]


def _template(projects: Projects, path: str, outline: Outline, spot: Spot) -> list[Span]:
    for part in outline.parts:
        if part.name == spot.name:
            return [Span(part.name, part.line, None, path)]
    for context in projects.contexts(path):
        if found := context.template_place(spot.name):
            return [found]
    return list(projects.template_files(path, spot.name))


def _anchor(projects: Projects, path: str, outline: Outline, spot: Spot) -> list[Span]:
    """The last definition before the alias in the rendered text is the one that counts."""
    for context in projects.contexts(path):
        line = spot.line + 1 if spot.kind == "alias" else None
        if found := context.anchor_places(spot.name, (path, line)):
            return found
    return list(_local_anchors(path, outline, spot))


def _local_anchors(path: str, outline: Outline, spot: Spot) -> Iterator[Span]:
    for other in outline.spots:
        if other.kind == "anchor" and other.name == spot.name:
            yield Span("", other.line + 1, other.start + 1, path)


def _spec(projects: Projects, path: str, spot: Spot) -> list[Span]:
    found = find_spec(projects, path, spot.name)
    if found is None:
        return []
    file, line = specs.place(found)
    return [Span("", line, None, file)]


def find_spec(projects: Projects, path: str, spec: str) -> specs.Found | None:
    system_path = projects.system_path(path)
    for context in projects.contexts(path):
        if found := specs.find(spec, context.searchpath_of(spec), system_path):
            return found
    return specs.find(spec, (), system_path)
