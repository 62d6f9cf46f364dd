"""Sweeps: the block ``sweep:`` of a config, plain data, expanded to variants.

::

    sweep:
      - grid: { lr: [1.0e-3, 3.0e-4], optimizer: [adamw, sgd] }     every combination
      - when: { optimizer: sgd }                                    the variants so far that match
        grid: { momentum: [0.0, 0.9] }                              are multiplied by this
      - list: [ { lr: 1.0e-2, layers: 2 } ]                         exactly these
      - random:                                                     drawn, the same everywhere
          samples: 8
          seed: 1
          variables: { lr: { loguniform: [1.0e-5, 1.0e-2] }, layers: { int: [2, 8] } }
      - exclude: [ { lr: 1.0e-2, optimizer: sgd } ]                 all that match are left out

A block is one such mapping, or a list of them. The parts of one block multiply; blocks add up; a
block with ``when`` works on the variants of the blocks before it, and so does a lone ``exclude``. Of
equal variants one stays. Nothing here renders, compiles or knows what a config uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from forgather.errors import ConfigError, ForgatherError, Span, UsageError, did_you_mean
from forgather.graph.nodes import Node
from forgather.graph.plain import plain
from forgather.make.sweeps import variants
from forgather.make.sweeps.block import BAD_SWEEP, GIVEN, BlockReader, Values, Where

UNUSED = "FG641"


@dataclass(frozen=True)
class Sweep:
    """variables: all names, in the order of the block, and where each is given first (as a path).

    variants: the values of each.
    """

    variables: Mapping[str, str]
    variants: tuple[Values, ...]

    def __len__(self) -> int:
        return len(self.variants)

    def matching(self, pattern: str) -> list[Values]:
        """The variants that fit a pattern of names, as ``*`` or ``lr=3e-4,*``."""
        fits = variants.matcher(pattern)
        return [values for values in self.variants if fits(values)]


def expand(block: Any, where: Where = lambda path: None) -> Sweep:
    """The variants of a ``sweep`` block. ``where`` finds the place of a path, as ``sweep.grid.lr``.

    Raises ConfigError (FG640) at the nearest place that is known.
    """
    reader = BlockReader(where)
    if isinstance(block, list | tuple):
        parts = [(f"sweep[{index}]", part) for index, part in enumerate(block)]
    else:
        parts = [("sweep", block)]
    found: list[Values] = []
    for path, part in parts:
        found = reader.block(part, path, found)
    if not found:
        raise reader.wrong("the sweep has no variants", "sweep", "give it a grid, list or random")
    used = {name for values in found for name in values}
    paths = {name: path for name, path in reader.paths.items() if name in used}
    return Sweep(paths, tuple(found))


def unused_variable(
    config: str, variable: str, used: Iterable[str], where: Span | None = None
) -> ForgatherError:
    """The error for a variable that changes nothing; ``where`` is its place in a sweep."""
    hint = did_you_mean(variable, set(used) - GIVEN)
    message = f"{config} does not use the variable {variable!r}"
    if where is None:
        return UsageError(message, hint=hint, code=UNUSED)
    hint += "; if only some variants use it, give it in a block with 'when'"
    return ConfigError(message, where=where, hint=hint, code=UNUSED)


def sweep_of(root: Any, spans: Mapping[str, Span]) -> Sweep | None:
    """The sweep of a loaded config, given its targets and places; None where it has none."""
    block = root.get("sweep") if isinstance(root, Mapping) else None
    if block is None:
        return None

    def refuse(node: Node) -> Any:
        raise ConfigError(
            "'sweep' must be plain data: it is read without running anything",
            where=node.span,
            hint="write values, not calls",
            code=BAD_SWEEP,
        )

    return expand(plain(block, opaque=refuse), spans.get)
