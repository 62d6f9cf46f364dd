"""The arguments of tags: which parts of a mapping are positional, keywords, or meant for the node.

* a sequence: positional arguments;
* a mapping: ``arg0``, ``arg1``... are positional, in the order of their numbers, and the other keys are
  keywords. A mapping with the keys ``args`` and ``kwargs`` only (or one of them) holds just those;
* a scalar: one positional argument, always the string as written; nothing: no arguments.

``submodule_searchpath`` and ``latent_args`` go to the node. Values are graph already; this module does
not know how they were made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from forgather.errors import GraphError, Span
from forgather.graph.nodes import CallableNode, Node
from forgather.lang import codes
from forgather.lang.compose import Item, MappingItem, ScalarItem, SequenceItem
from forgather.lang.tags import Tag

_POSITIONAL = re.compile(r"arg(\d+)")
_RESERVED = ("constructor", "_identity")
_SEARCHPATH, _LATENT = "submodule_searchpath", "latent_args"

Pairs = list[tuple[Any, Item]]  # resolved key, value


@dataclass
class Arguments:
    """items: where each came from, by position or keyword."""

    args: list[Item] = field(default_factory=list)
    kwargs: dict[Any, Item] = field(default_factory=dict)
    raw: bool = False  # one argument that is the string as written


def call_arguments(tag: Tag, item: Item, pairs: Callable[[Item], Pairs]) -> Arguments:
    """The arguments of a call; ``pairs`` gives the entries of a mapping, merges done."""
    if isinstance(item, ScalarItem):
        return Arguments([item], raw=True) if item.value else Arguments()
    if isinstance(item, SequenceItem):
        return Arguments(list(item.value))
    entries = dict(pairs(item))
    if entries and set(entries) <= {"args", "kwargs"} and (found := _explicit(entries, pairs)):
        return found
    numbered = {
        int(match[1]): value
        for key, value in entries.items()
        if isinstance(key, str) and (match := _POSITIONAL.fullmatch(key))
    }
    kwargs = {
        key: value
        for key, value in entries.items()
        if not (isinstance(key, str) and _POSITIONAL.fullmatch(key))
    }
    return Arguments([numbered[number] for number in sorted(numbered)], kwargs)


def _explicit(entries: dict[Any, Item], pairs: Callable[[Item], Pairs]) -> Arguments | None:
    """From the keys args and kwargs; None where they cannot be meant so."""
    args, kwargs = entries.get("args"), entries.get("kwargs")
    if args is not None and (not isinstance(args, SequenceItem) or args.tag):
        return None
    if kwargs is not None and (not isinstance(kwargs, MappingItem) or kwargs.tag):
        return None
    return Arguments(list(args.value) if args else [], dict(pairs(kwargs)) if kwargs else {})


def check_keywords(tag: Tag, kwargs: dict[Any, Item], place: Callable[[Item], Span | None]) -> None:
    """Keywords are strings, and not reserved."""
    for key, item in kwargs.items():
        if not isinstance(key, str):
            raise GraphError(
                f"the name of an argument must be a string, not {key!r}",
                where=place(item),
                hint=f"quote it, or use !dict to make a mapping, not a call of {tag.spec!r}",
                code=codes.ARGUMENT_NAME,
            )
        if key in _RESERVED:
            raise GraphError(
                f"{key!r} is reserved and cannot be an argument of {tag.spec!r}",
                where=place(item),
                hint=(
                    "give it by position as arg0, arg1..., or name the node with @name"
                    if key == "_identity"
                    else "give it by position, as arg0, arg1..."
                ),
                code=codes.RESERVED,
            )


def take_node_settings(node: CallableNode) -> None:
    """Move ``submodule_searchpath`` and ``latent_args`` from the keywords to the node."""
    if _SEARCHPATH in node.kwargs:
        node.submodule_searchpath = _directories(node, node.kwargs.pop(_SEARCHPATH))
    if _LATENT in node.kwargs:
        latent = node.kwargs.pop(_LATENT)
        if latent is not None and not isinstance(latent, (dict, Node)):
            raise _bad_setting(node, _LATENT, "a mapping, or a !var that gives one")
        node.latent_args = latent


def _directories(node: CallableNode, value: Any) -> tuple[str, ...]:
    if isinstance(value, CallableNode) and value.constructor in ("named_list", "named_tuple"):
        value = value.args
    if isinstance(value, str):
        value = [value]
    if value is None:
        value = []
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise _bad_setting(node, _SEARCHPATH, "a list of directories")
    return tuple(value)


def _bad_setting(node: CallableNode, key: str, expected: str) -> GraphError:
    return GraphError(
        f"{key} must be {expected}",
        where=node.arg_spans.get(key) or node.span,
        code=codes.TAG_ARGUMENTS,
    )
