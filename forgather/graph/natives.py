"""Constructors that every config has without importing them: containers and simple access."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


def named_list(*items: Any) -> list[Any]:
    return list(items)


def named_tuple(*items: Any) -> tuple[Any, ...]:
    return items


def named_dict(**items: Any) -> dict[str, Any]:
    return items


def items(mapping: Any) -> Any:
    return mapping.items()


def keys(mapping: Any) -> Any:
    return mapping.keys()


def values(mapping: Any) -> Any:
    return mapping.values()


def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """The first argument, called with the rest."""
    return function(*args, **kwargs)


NATIVES: dict[str, Callable[..., Any]] = {
    "call": call,
    "getitem": operator.getitem,
    "items": items,
    "keys": keys,
    "named_dict": named_dict,
    "named_list": named_list,
    "named_tuple": named_tuple,
    "values": values,
}
