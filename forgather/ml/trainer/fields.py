"""Checking the fields of an argument dataclass: names, types, choices.

A wrong argument is answered with its name, what was given and what would be right. Nothing is
converted: YAML reads ``1e-3`` as text, and guessing what a text means hides the slip.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from forgather.errors import ConfigError, did_you_mean


class ArgumentError(ConfigError, ValueError):
    """A training argument is unknown, or its value is not what it can be."""


def check_names(owner: type, names: Iterable[str]) -> None:
    """Refuse names that ``owner``, a dataclass, has no field for."""
    known = [item.name for item in dataclasses.fields(owner) if item.init]
    for name in names:
        if name not in known:
            raise ArgumentError(
                f"{owner.__name__} has no argument {name!r}", hint=did_you_mean(name, known)
            )


def check_types(instance: Any) -> None:
    """Check every field's value against its annotation; ints pass for floats."""
    annotations = typing.get_type_hints(type(instance))
    for item in dataclasses.fields(instance):
        value = getattr(instance, item.name)
        if not _matches(value, annotations[item.name]):
            raise _type_error(item.name, value, annotations[item.name])


def check_choice(instance: Any, name: str, choices: Iterable[Any]) -> None:
    value = getattr(instance, name)
    choices = list(choices)
    if value not in choices:
        shown = ", ".join(repr(choice) for choice in choices)
        raise ArgumentError(f"{name} is {value!r}; it must be one of {shown}")


def check_at_least(instance: Any, name: str, minimum: float) -> None:
    value = getattr(instance, name)
    if value is not None and value < minimum:
        raise ArgumentError(f"{name} is {value}; it must be at least {minimum}")


def _matches(value: Any, annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    if origin in (types.UnionType, typing.Union):
        return any(_matches(value, part) for part in typing.get_args(annotation))
    if origin is list:
        (inner,) = typing.get_args(annotation)
        return isinstance(value, list | tuple) and all(_matches(item, inner) for item in value)
    if origin is dict:
        return isinstance(value, Mapping)
    if annotation is Any:
        return True
    if annotation is None or annotation is type(None):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, annotation)


def _type_error(name: str, value: Any, annotation: Any) -> ArgumentError:
    shown = f"{name} is {value!r} ({type(value).__name__}); it must be {_describe(annotation)}"
    hint = None
    if isinstance(value, str) and _is_number(value):
        number = float(value)
        right = int(number) if number.is_integer() and "." not in value else number
        if "e" in value.lower() and "." not in value:
            mantissa, _, exponent = value.lower().partition("e")
            right = f"{mantissa}.0e{exponent}"
        hint = f"write the number without quotes, as YAML knows it: {name}: {right}"
    elif value is False and annotation is str:
        hint = f'YAML reads an unquoted no as false; write {name}: "no"'
    return ArgumentError(shown, hint=hint)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _describe(annotation: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        return " or ".join(_describe(part) for part in typing.get_args(annotation))
    if annotation is type(None):
        return "null"
    if typing.get_origin(annotation) is list:
        return f"a list of {_describe(typing.get_args(annotation)[0])}"
    if typing.get_origin(annotation) is dict:
        return "a mapping"
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))
