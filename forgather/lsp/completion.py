"""What could stand at the cursor: template names, block names, tags, import specs, anchors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from forgather.errors import Span
from forgather.lsp import specs
from forgather.lsp.outline import Outline, Part
from forgather.lsp.projects import Projects

Kind = Literal["template", "block", "tag", "spec", "anchor"]

TAGS = {
    "call": "an object, made once",
    "singleton": "an object, made once",
    "factory": "a new object at every reference",
    "partial": "a callable with bound arguments",
    "lambda": "like partial (old spelling)",
    "meta": "an object whose arguments are graph nodes",
    "var": "a value given when building",
    "list": "a list",
    "tuple": "a tuple",
    "dict": "a mapping",
    "dlist": "a list whose items can be overridden by key",
}
_BARE = {"var", "list", "tuple", "dict", "dlist"}


@dataclass(frozen=True)
class Candidate:
    """text replaces the ``typed`` characters before the cursor."""

    kind: Kind
    text: str
    typed: str
    detail: str = ""


def completions(
    projects: Projects, path: str, outline: Outline, line: int, column: int
) -> Iterator[Candidate]:
    """Candidates at a position, in no particular order; none where nothing is known to fit."""
    before = outline.lines[line][:column] if line < len(outline.lines) else ""
    for pattern, complete in _RULES:
        if match := pattern.search(before):
            typed = match["typed"]
            seen: set[str] = set()
            for candidate in complete(projects, path, outline, line, typed):
                if candidate.text.startswith(typed) and candidate.text not in seen:
                    seen.add(candidate.text)
                    yield candidate
            return


def _templates(
    projects: Projects, path: str, outline: Outline, line: int, typed: str
) -> Iterator[Candidate]:
    for part in outline.parts:
        if part.name:
            yield Candidate("template", part.name, typed, "inline template of this file")
    for context in projects.contexts(path):
        for name, section in context.sections.items():
            if section.inline:
                yield Candidate("template", name, typed, "inline template")
        break
    for name, file in projects.template_names(path):
        yield Candidate("template", name, typed, file)


def _blocks(
    projects: Projects, path: str, outline: Outline, line: int, typed: str
) -> Iterator[Candidate]:
    """Blocks of the parents that this part does not have yet."""
    part = outline.part_at(line)
    taken = {
        spot.name
        for spot in outline.spots
        if spot.kind == "block" and spot.section == part.name and spot.line != line
    }
    for context in projects.contexts(path):
        found = list(context.inherited_blocks(part.name or context.name_of(path)))
        if found:
            break
    else:
        found = _blocks_of_parent(projects, path, outline, part)
    for name, span in found:
        if name not in taken:
            yield Candidate("block", name, typed, f"{span.template}:{span.line}")


def _blocks_of_parent(
    projects: Projects, path: str, outline: Outline, part: Part
) -> list[tuple[str, Span]]:
    """For a config that was never saved or never rendered: by the template it says it extends."""
    parent = next(
        (
            spot.name
            for spot in outline.spots
            if (spot.kind, spot.section) == ("template", part.name)
            and "extends" in outline.lines[spot.line]
        ),
        None,
    )
    for context in projects.relatives(path) if parent is not None else ():
        if parent in context.sections:
            return list(context.blocks_seen_by_child(parent))
    return []


def _closing(
    projects: Projects, path: str, outline: Outline, line: int, typed: str
) -> Iterator[Candidate]:
    for name in reversed(outline.enclosing_blocks(line)):
        yield Candidate("block", name, typed, "open block")


def _tags(
    projects: Projects, path: str, outline: Outline, line: int, typed: str
) -> Iterator[Candidate]:
    for tag, detail in TAGS.items():
        yield Candidate("tag", tag if tag in _BARE else f"{tag}:", typed, detail)


def _specs(
    projects: Projects, path: str, outline: Outline, line: int, typed: str
) -> Iterator[Candidate]:
    folders: Iterable[str] = ()
    for context in projects.contexts(path):
        folders = context.searchpath_of(None)
        break
    for text, detail in specs.completions(typed, tuple(folders), projects.system_path(path)):
        yield Candidate("spec", text, typed, detail)


def _anchors(
    projects: Projects, path: str, outline: Outline, line: int, typed: str
) -> Iterator[Candidate]:
    for spot in outline.spots:
        if spot.kind == "anchor":
            yield Candidate("anchor", spot.name, typed, "this file")
    for context in projects.contexts(path):
        for name, span in context.anchors():
            yield Candidate("anchor", name, typed, f"{span.template}:{span.line}" if span else "")
        return


_Complete = Callable[[Projects, str, Outline, int, str], Iterator[Candidate]]
_RULES: list[tuple[re.Pattern[str], _Complete]] = [
    (
        re.compile(r"\b(?:extends|include|import|from)\b[^'\"]*(['\"])(?P<typed>[^'\"]*)$"),
        _templates,
    ),
    (re.compile(r"\bendblock\s+(?P<typed>\w*)$"), _closing),
    (re.compile(r"(?:^\s*\[|\bblock\s+)(?P<typed>\w*)$"), _blocks),
    (
        re.compile(
            r"!(?:singleton|call|factory|partial|lambda|meta):(?P<typed>[\w.:/-]*)$",
        ),
        _specs,
    ),
    (re.compile(r"(?:^|[\s\[{,:])!(?P<typed>\w*)$"), _tags),
    (re.compile(r"(?:^|[\s\[{,:])\*(?P<typed>[\w.-]*)$"), _anchors),
]
