"""Keys that a mapping has twice. Legal, and the idiom of overriding by repeating; sometimes a slip.

The last one wins. ``!dlist`` is made for it, and ``.define`` and its like are no targets, so neither
is listed.
"""

from __future__ import annotations

from collections.abc import Iterator

from forgather.config import Config
from forgather.lang.compose import Item, MappingItem, ScalarItem, SequenceItem, compose
from forgather.view.check.findings import Finding

DUPLICATE = "FG220"


def check_duplicates(config: Config) -> Iterator[Finding]:
    """A note for each key that comes again in the same mapping, at the later place."""
    source_map = config.source_map
    for item in _items(compose(str(config.pp_config), source_map)):
        if not isinstance(item, MappingItem) or (item.tag or "").startswith("!dlist"):
            continue
        first: dict[str, int] = {}
        for key, _ in item.value:
            if not isinstance(key, ScalarItem) or key.value == "<<" or key.value.startswith("."):
                continue
            if key.value in first:
                before = source_map.locate(first[key.value])
                message = f"the key {key.value!r} is here again, and this one counts"
                hint = f"it came first at {before}" if before else None
                place = source_map.locate(key.line, key.column)
                yield Finding("note", DUPLICATE, message, place, hint)
            first[key.value] = key.line


def _items(root: Item | None) -> Iterator[Item]:
    """Every item once; an alias is the very item of its anchor."""
    seen: set[int] = set()
    stack = [root] if root is not None else []
    while stack:
        item = stack.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        if isinstance(item, MappingItem):
            stack += [part for pair in reversed(item.value) for part in reversed(pair)]
        elif isinstance(item, SequenceItem):
            stack += reversed(item.value)
