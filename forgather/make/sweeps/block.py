"""Reads one block of a sweep: what variants it makes of those that the blocks before it made.

Everything that a user can get wrong here is an error with its path, at the line of the template.
What the keys mean stands in :mod:`forgather.make.sweeps.sweep`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import Any

from forgather.errors import ConfigError, Span, did_you_mean
from forgather.make.sweeps import sampling, variants
from forgather.make.sweeps.values import text

BAD_SWEEP = "FG640"
MOST = 10_000  # variants of one sweep
KEYS = ("grid", "list", "random", "when", "exclude")
# Given by the build itself, or names that the renderer's own parameters have.
GIVEN = frozenset(
    {"project_dir", "workspace_root", "build_dir", "config_variant"}
    | {"self", "environment", "template"}
)

Values = dict[str, Any]
Where = Callable[[str], Span | None]

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
# YAML 1.1, which configs are written in, takes these for strings; nobody means that in a sweep.
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+")


class BlockReader:
    """Reads blocks; knows where things stand, for messages."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.paths: dict[str, str] = {}  # of each variable, the first

    def block(self, block: Any, path: str, before: list[Values]) -> list[Values]:
        """What is there after this block."""
        self.mapping(block, path, KEYS)
        parts = [
            read(block[key], f"{path}.{key}")
            for key, read in (("grid", self.grid), ("list", self.list), ("random", self.random))
            if key in block
        ]
        self.refuse_twice(parts, path)
        if "when" in block:
            if not parts:
                raise self.wrong("'when' alone adds nothing", path, "add grid, list or random")
            found = self.multiplied(block["when"], f"{path}.when", before, parts)
        elif parts:
            self.bound(math.prod(map(len, parts)), path)
            found = [_merged(values) for values in product(*parts)]
        elif "exclude" in block:
            return self.excluded(block["exclude"], f"{path}.exclude", before)
        else:
            raise self.wrong("the block is empty", path, f"give one of: {', '.join(KEYS)}")
        if "exclude" in block:
            found = self.excluded(block["exclude"], f"{path}.exclude", found)
        if "when" not in block:
            found = before + found
        self.bound(len(found), path)
        return _distinct(found)

    # what makes variants

    def grid(self, grid: Any, path: str) -> list[Values]:
        if not self.mapping(grid, path):
            raise self.wrong("the grid is empty", path, "write for example: grid: { lr: [1e-3] }")
        axes: list[list[Values]] = []
        for name, given in grid.items():
            here = f"{path}.{name}"
            self.variable(name, here)
            choices = list(given) if isinstance(given, list | tuple) else [given]
            if not choices:
                raise self.wrong(f"{name!r} has no values", here, "give at least one")
            axes.append([{name: self.value(choice, here)} for choice in choices])
        self.bound(math.prod(map(len, axes)), path)
        return [_merged(values) for values in product(*axes)]

    def list(self, entries: Any, path: str) -> list[Values]:
        if not isinstance(entries, list | tuple) or not entries:
            raise self.wrong("'list' must be a list of mappings, and not empty", path)
        return [self.values(entry, f"{path}[{index}]") for index, entry in enumerate(entries)]

    def random(self, block: Any, path: str) -> list[Values]:
        self.mapping(block, path, ("samples", "seed", "variables"))
        samples, seed = block.get("samples"), block.get("seed", 0)
        if not _is_int(samples) or samples < 1:
            raise self.wrong("'samples' must be a positive number of samples", f"{path}.samples")
        if not _is_int(seed):
            raise self.wrong("'seed' must be an integer", f"{path}.seed")
        self.bound(samples, f"{path}.samples")
        space = block.get("variables")
        if not self.mapping(space, f"{path}.variables"):
            raise self.wrong(
                "'variables' is empty", f"{path}.variables", "name what is drawn, and from what"
            )
        draws = {name: self.drawing(name, space[name], f"{path}.variables") for name in space}
        return [
            {name: draw(sampling.fraction(seed, number, name)) for name, draw in draws.items()}
            for number in range(samples)
        ]

    def drawing(self, name: Any, given: Any, path: str) -> sampling.Draw:
        here = f"{path}.{name}"
        self.variable(name, here)
        try:
            return sampling.distribution(self.value(given, here))
        except sampling.BadDistribution as error:
            raise self.wrong(f"{name!r}: {error}", here, error.hint) from None

    # what selects variants

    def multiplied(
        self, when: Any, path: str, before: list[Values], parts: list[list[Values]]
    ) -> list[Values]:
        """Each variant that matches, times all combinations of ``parts``; the others as they are."""
        if not before:
            raise self.wrong("'when' has no variants before it", path, "put it into a later block")
        wanted = self.condition(when, path, before)
        matching = [values for values in before if _fits(values, wanted)]
        if not matching:
            raise self.wrong(f"no variant has {_spelled(wanted)}", path, _found(before, wanted))
        self.refuse_twice([matching, *parts], path.removesuffix(".when"))
        self.bound(len(matching) * math.prod(map(len, parts)), path)
        found: list[Values] = []
        for values in before:
            if _fits(values, wanted):
                found += [_merged((values, *more)) for more in product(*parts)]
            else:
                found.append(values)
        return found

    def excluded(self, entries: Any, path: str, before: list[Values]) -> list[Values]:
        if isinstance(entries, Mapping):
            entries, single = [entries], True
        else:
            single = False
        if not isinstance(entries, list | tuple) or not entries:
            raise self.wrong("'exclude' must be a mapping or a list of mappings", path)
        wanted = [
            self.condition(entry, path if single else f"{path}[{index}]", before)
            for index, entry in enumerate(entries)
        ]
        return [values for values in before if not any(_fits(values, one) for one in wanted)]

    def condition(self, given: Any, path: str, before: list[Values]) -> dict[str, list[str]]:
        """Variable -> spellings of the values that match; a list means any of them."""
        if not self.mapping(given, path):
            raise self.wrong("the condition is empty", path, "write for example { optimizer: sgd }")
        known = {name for values in before for name in values}
        wanted = {}
        for name, value in given.items():
            if name not in known:
                hint = did_you_mean(str(name), known)
                raise self.wrong(f"no variant before has {name!r}", f"{path}.{name}", hint)
            choices = value if isinstance(value, list | tuple) else [value]
            wanted[name] = [_comparable(self.value(one, f"{path}.{name}")) for one in choices]
        return wanted

    # checks

    def values(self, entry: Any, path: str) -> Values:
        if not self.mapping(entry, path):
            raise self.wrong("a variant without variables is the config itself", path)
        for name in entry:
            self.variable(name, f"{path}.{name}")
        return {name: self.value(value, f"{path}.{name}") for name, value in entry.items()}

    def mapping(self, given: Any, path: str, known: Iterable[str] | None = None) -> Any:
        """``given``, which must be a mapping, with only ``known`` keys."""
        what = path.rpartition(".")[2]
        if not isinstance(given, Mapping):
            raise self.wrong(f"{what!r} must be a mapping, not {given!r}", path)
        for key in given if known is not None else ():
            if key not in known:
                hint = did_you_mean(str(key), known)
                raise self.wrong(f"{what!r} has no key {key!r}", f"{path}.{key}", hint)
        return given

    def variable(self, name: Any, path: str) -> None:
        if not isinstance(name, str) or not _IDENTIFIER.fullmatch(name):
            raise self.wrong(f"{name!r} is not the name of a variable", path)
        if name in GIVEN:
            raise self.wrong(f"{name!r} is given by the build and cannot be swept", path)
        self.paths.setdefault(name, path)

    def value(self, value: Any, path: str) -> Any:
        """The value as plain data; ``3e-4``, which YAML 1.1 takes for a string, is a number."""
        if isinstance(value, str):
            return float(value) if _NUMBER.fullmatch(value) else value
        if isinstance(value, list | tuple):
            return [self.value(item, path) for item in value]
        if isinstance(value, Mapping):
            return {str(key): self.value(item, path) for key, item in value.items()}
        if value is None or isinstance(value, int | float):
            return value
        raise self.wrong(f"{value!r} is not plain data", path, "write values, not calls")

    def refuse_twice(self, parts: list[list[Values]], path: str) -> None:
        """Parts that are multiplied must not give one variable two values."""
        seen: set[str] = set()
        for part in parts:
            names = {name for values in part for name in values}
            for name in sorted(seen & names):
                raise self.wrong(
                    f"{name!r} has a value here already",
                    path,
                    "to add variants, write another block without 'when'",
                )
            seen |= names

    def bound(self, count: int, path: str) -> None:
        if count > MOST:
            raise self.wrong(
                f"{count:,} variants are too many: at most {MOST:,}",
                path,
                "draw some of them with random",
            )

    def wrong(self, message: str, path: str, hint: str | None = None) -> ConfigError:
        """An error at ``path``, or at the nearest place around it."""
        place, here = self.where(path), path
        while place is None and here:
            here = here[: max(here.rfind("."), here.rfind("["), 0)]
            place = self.where(here) if here else None
        return ConfigError(f"{path}: {message}", where=place, hint=hint, code=BAD_SWEEP)


def _merged(parts: Iterable[Values]) -> Values:
    return {name: value for part in parts for name, value in part.items()}


def _distinct(found: Iterable[Values]) -> list[Values]:
    first: dict[str, Values] = {}
    for values in found:
        first.setdefault(variants.spell(values), values)
    return list(first.values())


def _comparable(value: Any) -> str:
    """The spelling of a value, in which 1 and 1.0 are equal."""
    is_whole = isinstance(value, float) and value.is_integer()
    return text(int(value) if is_whole else value)


def _fits(values: Values, wanted: Mapping[str, list[str]]) -> bool:
    return all(
        name in values and _comparable(values[name]) in choices for name, choices in wanted.items()
    )


def _spelled(wanted: Mapping[str, list[str]]) -> str:
    return ", ".join(f"{name}={'|'.join(choices)}" for name, choices in wanted.items())


def _found(before: list[Values], wanted: Mapping[str, list[str]]) -> str:
    """What the variables of a condition that matches nothing really are."""
    lines = []
    for name in wanted:
        have = dict.fromkeys(_comparable(values[name]) for values in before if name in values)
        lines.append(f"{name} is one of: {', '.join(have)}")
    return "; ".join(lines)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
