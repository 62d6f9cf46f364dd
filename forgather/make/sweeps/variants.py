"""Names of variants: ``tiny_llama@layers=6,lr=3e-4`` is a config with values for its variables.

::

    ID@name=value,name=value

Variables are those of the preprocessor: what dynamic arguments and ``pp_kwargs`` set. A value is
read as YAML 1.2 reads a scalar (:mod:`forgather.make.sweeps.values`): ``6`` and ``3e-4`` are numbers, ``true`` and ``null`` what they say,
anything else, ``yes`` too, is a string. A string that would be read as something else, or that has
other characters than letters, digits and ``_ . / + -``, stands in quotes: ``'a,b'``, with ``''`` for
a quote, or as a JSON string. Lists and mappings are ``[0.9,0.95]`` and ``{type:linear,factor:2.0}``.

A name is a pure function of the config and its values: variables are sorted, values spelled the
shortest way. What was typed in another order or spelling is the same variant. With a ``*`` it is a
pattern: ``@*`` all variants of the config's sweep, ``@lr=3e-4,*`` those with this value.

This module knows names, not sweeps (:mod:`forgather.make.sweeps.sweep`) and not configs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from forgather.errors import UsageError
from forgather.make.sweeps.values import QUOTED, read, text

BAD_NAME = "FG643"
HINT = "write ID@name=value,name=value, and quote for the shell what needs it"
LONGEST_LABEL = 120  # of a folder's name, which may have 255 bytes

_SEPARATOR = r"@(?=[A-Za-z_][\w-]*=|\*)"


def split(name: str) -> tuple[str, str | None]:
    """The config's id, and what stands after the ``@``; None where it is no variant."""
    found = re.search(_SEPARATOR, name) if "@" in name else None
    return (name, None) if found is None else (name[: found.start()], name[found.end() :])


def join(config: str, variables: Mapping[str, Any]) -> str:
    """The id of a variant; the config's own where there are no variables."""
    return f"{config}@{spell(variables)}" if variables else config


def spell(variables: Mapping[str, Any]) -> str:
    """The one spelling of these values: sorted by name, each value the shortest way."""
    return ",".join(f"{name}={text(variables[name])}" for name in sorted(variables))


def parse(suffix: str) -> dict[str, Any]:
    """The values of ``name=value,...``. Raises UsageError."""
    found: dict[str, Any] = {}
    for part in _parts(suffix):
        name, value = _assignment(part, suffix)
        if name in found:
            raise _wrong(f"{name!r} is given twice", suffix)
        found[name] = _read(value, suffix)
    return found


def respell(task: str) -> str:
    """The name of a task, with its variant spelled in the one way; a pattern stays as it is."""
    config, suffix = split(task)
    if suffix is None or is_pattern(suffix):
        return task
    return join(config, parse(suffix))


def label(variables: Mapping[str, Any]) -> str:
    """The spelling as part of a file's name; of a long one the beginning and a digest."""
    spelled = spell(variables)
    safe = re.sub(r"[^A-Za-z0-9_.,=+-]", lambda found: _percent(found[0]), spelled)
    if len(safe) <= LONGEST_LABEL:
        return safe
    return f"{safe[: LONGEST_LABEL - 17]}~{hashlib.sha256(spelled.encode()).hexdigest()[:16]}"


def folder(name: str) -> str:
    """The id of a config or variant as a relative path: what stands after ``@`` is one name."""
    config, suffix = split(name)
    return config if suffix is None else f"{config}@{label(parse(suffix))}"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def is_pattern(suffix: str) -> bool:
    return any("*" in _unquoted(part) for part in _parts(suffix))


def matcher(suffix: str) -> Callable[[Mapping[str, Any]], bool]:
    """Whether values fit a pattern: each variable that it names must; others are free."""
    wanted: dict[str, re.Pattern[str]] = {}
    for part in _parts(suffix):
        if part == "*":
            continue
        name, value = _assignment(part, suffix)
        if "*" in _unquoted(value):
            pattern = ".*".join(map(re.escape, value.split("*")))
        else:
            pattern = re.escape(text(_read(value, suffix)))
        wanted[name] = re.compile(pattern, re.S)

    def fits(variables: Mapping[str, Any]) -> bool:
        return all(
            name in variables and pattern.fullmatch(text(variables[name]))
            for name, pattern in wanted.items()
        )

    return fits


# reading


def _assignment(part: str, suffix: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not name.strip():
        raise _wrong(f"{part!r} is not name=value", suffix)
    return name.strip(), value.strip()


def _read(value: str, suffix: str) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise _wrong(str(error), suffix) from None


def _unquoted(part: str) -> str:
    return re.sub(QUOTED, "", part)


def _parts(suffix: str) -> list[str]:
    """Cut at the commas that are in no quotes and no brackets."""
    parts, depth, start, position = [], 0, 0, 0
    while position < len(suffix):
        character = suffix[position]
        # A quote opens a string only where a value begins: don't is a word.
        if (
            character in "'\""
            and (found := re.compile(QUOTED).match(suffix, position))
            and (position == 0 or suffix[position - 1] in "=,:[{ ")
        ):
            position = found.end()
            continue
        depth += (character in "[{") - (character in "]}")
        if character == "," and depth <= 0:
            parts.append(suffix[start:position].strip())
            start = position + 1
        position += 1
    return [*parts, suffix[start:].strip()]


def _wrong(message: str, suffix: str) -> UsageError:
    return UsageError(f"@{suffix}: {message}", hint=HINT, code=BAD_NAME)
