"""YAML text to a tree of items with positions; tags are not interpreted yet.

Events come from libyaml where it is there. Composing them here, and not in PyYAML, allows an anchor to
be defined again (the last one before an alias counts, as YAML says), keeps plain scalars apart from
quoted ones, and bounds the depth. An alias is the very item of its anchor.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml import events

from forgather.errors import Span, YamlError, nearest
from forgather.graph.walk import MAX_DEPTH
from forgather.lang import codes
from forgather.lang.sourcemap import SourceMap

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Item:
    """A node of the YAML tree. line and column are 0-based positions in the text.

    value: str of a scalar, list of items of a sequence, list of (key, value) pairs of a mapping.
    """

    __slots__ = ("column", "line", "tag", "value")
    kind = "item"

    def __init__(self, tag: str | None, value: Any, line: int, column: int) -> None:
        self.tag = tag
        self.value = value
        self.line = line
        self.column = column


class ScalarItem(Item):
    """plain: without quotes, so that it may be a number, a boolean or null."""

    __slots__ = ("plain",)
    kind = "scalar"

    def __init__(self, tag: str | None, value: str, line: int, column: int, plain: bool) -> None:
        super().__init__(tag, value, line, column)
        self.plain = plain


class SequenceItem(Item):
    __slots__ = ()
    kind = "sequence"


class MappingItem(Item):
    __slots__ = ()
    kind = "mapping"


def compose(text: str, source_map: SourceMap) -> Item | None:
    """The root of the one document in the text; None for an empty text."""
    return _Composer(text, source_map).root()


class _Composer:
    def __init__(self, text: str, source_map: SourceMap) -> None:
        self.text = text
        self.source_map = source_map
        self.anchors: dict[str, Item] = {}
        self.open: set[str] = set()
        try:
            self.loader = _Loader(text)
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            raise self._unreadable(error) from error

    def root(self) -> Item | None:
        self._next()  # the stream starts
        event = self._next()
        if isinstance(event, events.StreamEndEvent):
            return None
        item = self._item(self._next(), 0)
        self._next()  # the document ends
        event = self._next()
        if not isinstance(event, events.StreamEndEvent):
            raise self._error(
                "the config is more than one YAML document",
                event,
                code=codes.DOCUMENTS,
                hint="remove the line '---' or '...'; a config is one document",
            )
        return item

    def _next(self) -> Any:
        try:
            return self.loader.get_event()
        except yaml.MarkedYAMLError as error:
            raise self._syntax(error) from error
        except (yaml.YAMLError, UnicodeEncodeError) as error:
            raise self._unreadable(error) from error

    def _item(self, event: Any, depth: int) -> Item:
        if isinstance(event, events.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            raise self._error(f"nested more than {MAX_DEPTH} levels deep", event, codes.TOO_DEEP)
        mark, anchor = event.start_mark, event.anchor
        if isinstance(event, events.ScalarEvent):
            plain = event.implicit[0]
            item: Item = ScalarItem(event.tag, event.value, mark.line, mark.column, plain)
            if anchor is not None:
                self.anchors[anchor] = item
            return item
        values: list[Any] = []
        is_mapping = isinstance(event, events.MappingStartEvent)
        make = MappingItem if is_mapping else SequenceItem
        item = make(event.tag, values, mark.line, mark.column)
        if anchor is not None:
            self.anchors[anchor] = item
            self.open.add(anchor)
        end = events.MappingEndEvent if is_mapping else events.SequenceEndEvent
        while not isinstance(event := self._next(), end):
            first = self._item(event, depth + 1)
            values.append((first, self._item(self._next(), depth + 1)) if is_mapping else first)
        self.open.discard(anchor)
        return item

    def _alias(self, event: Any) -> Item:
        name = event.anchor
        if name not in self.anchors:
            raise self._error(
                f"alias *{name} without an anchor &{name} before it",
                event,
                code=codes.NO_ANCHOR,
                hint=self._anchor_hint(name, event),
            )
        if name in self.open:
            raise self._error(
                f"anchor &{name} contains itself",
                event,
                code=codes.RECURSIVE,
                hint="a value cannot be made from itself",
            )
        return self.anchors[name]

    def _anchor_hint(self, name: str, event: Any) -> str:
        """Where the anchor is defined after all, or the nearest, or which anchors there are."""
        pattern = re.compile(rf"(?<!\S)&{re.escape(name)}(?!\S)")
        for number, line in enumerate(self.source_map.lines):
            if number >= event.start_mark.line and pattern.search(line):
                return f"it is defined later, at {self.source_map.locate(number)}; move it up"
        if (place := self.source_map.search(pattern)) is not None:
            return f"{place} defines it, in a block that is overridden or not rendered"
        if (close := nearest(name, self.anchors)) is not None:
            return f"did you mean *{close}?"
        known = ", ".join(f"&{anchor}" for anchor in sorted(self.anchors)[:12])
        return f"anchors before it: {known}" if known else "no anchor is defined before it"

    # -- errors

    def _error(self, message: str, event: Any, code: str, hint: str | None = None) -> YamlError:
        mark = event.start_mark
        where = self.source_map.locate(mark.line, mark.column)
        return YamlError(message, where=where, hint=hint, code=code)

    def _syntax(self, error: yaml.MarkedYAMLError) -> YamlError:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        problem = error.problem or "syntax error"
        where = self.source_map.locate(line, column)
        shown = self.source_map.lines[line] if line < len(self.source_map.lines) else ""
        if shown[column : column + 1] == "\t" or re.match(r" *\t", shown):
            return YamlError(
                "a tab where YAML wants spaces",
                where=where,
                hint="indent with spaces",
                code=codes.TAB,
            )
        if "undefined tag handle" in problem:
            return YamlError(
                problem, where=where, code=codes.UNKNOWN_TAG, hint="tags begin with one '!'"
            )
        context = self._context(error)
        return YamlError(
            f"{problem} {context}".strip(),
            where=where,
            hint=self._indentation_hint(line, where) or _hint(problem),
            code=codes.YAML_SYNTAX,
        )

    def _context(self, error: yaml.MarkedYAMLError) -> str:
        if not error.context:
            return ""
        if error.context_mark is None:
            return f"({error.context})"
        start = self.source_map.locate(error.context_mark.line)
        return f"({error.context}, which begins at {start})" if start else f"({error.context})"

    def _indentation_hint(self, line: int, where: Span | None) -> str | None:
        """Where text of two templates meets, the indentation of the first is the measure."""
        lines = self.source_map.lines
        above = next(
            (n for n in range(min(line, len(lines)) - 1, -1, -1) if lines[n].strip()), None
        )
        if above is None or where is None or line >= len(lines):
            return None
        before = self.source_map.locate(above)
        if before is None or before.template == where.template:
            return None
        indents = [len(text) - len(text.lstrip()) for text in (lines[above], lines[line])]
        if indents[0] == indents[1]:
            return None
        return (
            f"in the rendered config this follows {before}, which is indented by {indents[0]}, "
            f"and this by {indents[1]}"
        )

    def _unreadable(self, error: Exception) -> YamlError:
        position = getattr(error, "position", None)
        where = None
        if isinstance(position, int):
            # libyaml counts bytes of UTF-8.
            before = self.text.encode("utf-8", "replace")[:position].decode("utf-8", "replace")
            where = self.source_map.locate(before.count("\n"), len(before.rpartition("\n")[2]))
        reason = getattr(error, "reason", None) or "it cannot be encoded as UTF-8"
        return YamlError(
            f"a character that YAML does not allow: {reason}",
            where=where or self.source_map.locate(0),
            hint='write it as an escape in a double-quoted string, such as "\\x00"',
            code=codes.CHARACTER,
        )


def _hint(problem: str) -> str | None:
    if "mapping values are not allowed" in problem:
        return (
            "quote text that contains ': '; or the line is indented more than the one it continues"
        )
    if "did not find expected key" in problem or "block end" in problem:
        return "the indentation does not fit the lines above"
    if "cannot start any token" in problem:
        return "quote text that begins with a special character, such as '@', '%' or '`'"
    return None
