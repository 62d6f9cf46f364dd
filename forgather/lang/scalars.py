"""YAML 1.1 scalars: which text is a number, a boolean or null.

``yes`` and ``off`` are booleans, ``012`` is ten, ``1:30`` is ninety, ``1e-3`` is a string and ``1.0e-3``
a number: the rules of PyYAML, whose tables decide the type. Dates and other types are not values of a
config.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import yaml

PREFIX = "tag:yaml.org,2002:"
MERGE = PREFIX + "merge"
STR = PREFIX + "str"
_RESOLVERS: dict[str, list[tuple[str, Any]]] = yaml.SafeLoader.yaml_implicit_resolvers
_BOOLEANS = {"yes": True, "on": True, "true": True, "no": False, "off": False, "false": False}


def implicit_tag(text: str) -> str:
    """The tag of a plain scalar."""
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return tag
    return STR


def construct(tag: str, text: str) -> Any:
    """The value of a scalar; LookupError for a tag that is not a config's, ValueError for bad text."""
    return _CONSTRUCTORS[tag](text)


def _null(text: str) -> None:
    return None


def _bool(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def _int(text: str) -> int:
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if ":" in digits:
        return sign * int(_sexagesimal(digits))
    if digits.startswith("0") and digits.strip("0"):
        return sign * int(digits, 8)
    return sign * int(digits)


def _float(text: str) -> float:
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits.startswith("-") else 1.0
    digits = digits.lstrip("+-")
    if digits == ".inf":
        return sign * math.inf
    if digits == ".nan":
        return math.nan
    if ":" in digits:
        return sign * _sexagesimal(digits)
    return sign * float(digits)


def _sexagesimal(digits: str) -> float:
    value = 0.0
    for part in digits.split(":"):
        value = value * 60 + float(part)
    return value


_CONSTRUCTORS: dict[str, Callable[[str], Any]] = {
    PREFIX + "null": _null,
    PREFIX + "bool": _bool,
    PREFIX + "int": _int,
    PREFIX + "float": _float,
    STR: str,
    PREFIX + "value": str,  # "=" on its own
    MERGE: str,  # "<<" that is not a key
    "!": str,
}
