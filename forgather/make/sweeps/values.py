"""Values of variables as text, each with one spelling: ``3e-4``, ``yes``, ``'a,b'``, ``[0.9,0.95]``.

A plain scalar is typed as YAML 1.2 does it (the core schema), unlike the text of configs, which is
YAML 1.1: ``3e-4`` is a number and ``yes`` a string. :func:`text` gives the one spelling of a value,
and :func:`read` its inverse.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

# Compiled when a variant is read: most command lines name none.
QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"\\]|\\.)*\""

_PLAIN = r"[A-Za-z0-9_./+-]+"
_INT = r"[-+]?[0-9]+"
_RADIX = r"0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_INFINITE = r"[-+]?\.(inf|Inf|INF)"
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}


def read(text: str) -> Any:
    """The value that ``text`` spells. Raises ValueError."""
    return _Reader(text).whole()


def scalar(text: str) -> Any:
    """A plain scalar, typed by the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if re.fullmatch(_INT, text):
        return int(text)
    if re.fullmatch(_RADIX, text):
        return int(text, 0)
    if re.fullmatch(_FLOAT, text):
        return float(text)
    if re.fullmatch(_INFINITE, text):
        return -math.inf if text.startswith("-") else math.inf
    return text


def text(value: Any) -> str:
    """The one spelling of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(text, value)) + "]"
    if isinstance(value, Mapping):
        pairs = sorted((str(key), item) for key, item in value.items())
        return "{" + ",".join(f"{_string(key)}:{text(item)}" for key, item in pairs) + "}"
    return _string(value) if isinstance(value, str) else str(value)


def _float(value: float) -> str:
    """``0.1``, ``3e-4``, ``1e5``: the shorter of the two notations, never that of an integer."""
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else (".inf" if value > 0 else "-.inf")
    plain = repr(value)
    sign, digits, exponent = _decimal(plain)
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    scientific = f"{sign}{mantissa}e{exponent}"
    return scientific if "e" in plain or len(scientific) < len(plain) else plain


def _decimal(plain: str) -> tuple[str, str, int]:
    """Sign, significant digits and the power of ten of the first one, of a float's repr."""
    sign = "-" if plain.startswith("-") else ""
    mantissa, _, power = plain.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole) - 1 + int(power or 0) - (len(whole + fraction) - len(digits))
    return sign, digits.rstrip("0") or "0", exponent if digits else 0


def _string(value: str) -> str:
    if re.fullmatch(_PLAIN, value) and isinstance(scalar(value), str):
        return value
    if value.isprintable() and "*" not in value and "'" not in value:
        return f"'{value}'"
    return json.dumps(value).replace("*", "\\u002a")


class _Reader:
    """Reads one value: a scalar, a quoted string, a list or a mapping."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.position = 0

    def whole(self) -> Any:
        """The value, which must be all there is."""
        if self.value[:1] not in ("'", '"', "[", "{"):
            return scalar(self.value)
        found = self._next(",]}")
        if self.position < len(self.value):
            raise self._wrong(f"unexpected {self.value[self.position :]!r}")
        return found

    def _next(self, ends: str) -> Any:
        self._space()
        opening = self.value[self.position : self.position + 1]
        if opening in ("'", '"'):
            return self._quoted()
        if opening == "[":
            return [item for _key, item in self._items("]", keyed=False)]
        if opening == "{":
            return dict(self._items("}", keyed=True))
        start = self.position
        while self.position < len(self.value) and self.value[self.position] not in ends:
            self.position += 1
        return scalar(self.value[start : self.position].strip())

    def _items(self, end: str, *, keyed: bool) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        self.position += 1
        while not self._take(end):
            if found and not self._take(","):
                raise self._wrong(f"expected ',' or {end!r}")
            key = self._next(":,]}") if keyed else None
            if keyed and not self._take(":"):
                raise self._wrong("expected ':' after a key")
            found.append((key if key is None else str(key), self._next(",]}")))
        return found

    def _quoted(self) -> str:
        found = re.compile(QUOTED).match(self.value, self.position)
        if found is None:
            raise self._wrong("a quote is not closed")
        self.position = found.end()
        if found[0].startswith("'"):
            return found[0][1:-1].replace("''", "'")
        try:
            return str(json.loads(found[0], strict=False))
        except ValueError:
            raise self._wrong(f"{found[0]} is not a JSON string") from None

    def _take(self, character: str) -> bool:
        self._space()
        if self.position >= len(self.value):
            raise self._wrong(f"expected {character!r} before the end")
        taken = self.value[self.position] == character
        self.position += taken
        return taken

    def _space(self) -> None:
        while self.value[self.position : self.position + 1] == " ":
            self.position += 1

    def _wrong(self, message: str) -> ValueError:
        return ValueError(f"{message} in {self.value!r}")
