"""Each line of a rendered config with the template and line it came from, and the history of a block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from forgather.errors import Span, TemplateError, did_you_mean
from forgather.view.configs import place

if TYPE_CHECKING:
    from forgather.lang.render import Rendered

WIDTH = 48


def annotate(text: str, source_map: Sequence[Span | None]) -> str:
    """The text, each line after ``template:line``; a place is shown only where it changes file."""
    lines = text.split("\n")
    places = [_place(span) for span in list(source_map)[: len(lines)]]
    places += [""] * (len(lines) - len(places))
    width = min(WIDTH, max(map(len, places), default=0))
    rows = zip(places, lines, strict=True)
    return "\n".join(f"{_fit(place, width)} | {line}".rstrip() for place, line in rows)


def _place(span: Span | None) -> str:
    return f"{span.template}:{span.line}" if span else ""


def _fit(place: str, width: int) -> str:
    """The end of a name tells more than its start."""
    return place.ljust(width) if len(place) <= width else "..." + place[3 - width :]


def translations(rendered: Rendered) -> str:
    """Every template as Jinja sees it, after line statements and blocks, with line numbers."""
    parts = []
    for name, text in rendered.translations():
        numbered = (f"{number:6} {line}" for number, line in enumerate(text.split("\n"), 1))
        parts.append("\n".join([f" {name} ".center(80, "-"), *numbered, ""]))
    return "\n".join(parts)


def lines_as_data(text: str, source_map: Sequence[Span | None]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(text.split("\n")):
        span = source_map[number] if number < len(source_map) else None
        rows.append(
            {
                "line": number + 1,
                "text": line,
                "template": span.template if span else None,
                "file": span.path if span else None,
                "template_line": span.line if span else None,
            }
        )
    return rows


def block_history(rendered: Rendered, block: str) -> list[dict[str, Any]]:
    """Where a block is defined and overridden: base first, so that what wins is last.

    Templates that are included have families of their own, in which a block of the same name is
    another block; each family starts with "defines".
    """
    places = rendered.blocks
    if block not in places:
        raise TemplateError(
            f"no template of this config has a block {block!r}", hint=did_you_mean(block, places)
        )
    parents = {ref.parent: ref.child for ref in rendered.references if ref.kind == "extends"}
    families: dict[str, list[tuple[int, Span]]] = {}
    for span in places[block]:
        lineage = _lineage(span.template, parents)
        families.setdefault(lineage[-1], []).append((len(lineage), span))
    history = []
    for family in families.values():
        for number, (_, span) in enumerate(sorted(family, key=lambda step: step[0])):
            history.append(_step("overrides" if number else "defines", span))
    return history


def _lineage(template: str, parents: dict[str, str]) -> list[str]:
    """The template and all that it extends."""
    found = [template]
    while (parent := parents.get(found[-1])) is not None and parent not in found:
        found.append(parent)
    return found


def _step(what: str, span: Span) -> dict[str, Any]:
    return {
        "what": what,
        "template": span.template,
        "file": span.path,
        "line": span.line,
        "place": place(span),
    }
