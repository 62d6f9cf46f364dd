"""Names in generated code: valid, stable, and never hiding something else.

Names are handed out first come, first served: parameters, then imports, then nodes. The same graph
gives the same names on every machine.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable, Iterator

_GREEK = tuple(
    re.findall(
        r"\w+",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu "
        "nu xi omicron pi rho sigma tau upsilon phi chi psi omega",
    )
)


def is_plain_name(text: object) -> bool:
    """Whether Python reads this text as exactly this name, also inside a class body."""
    return (
        isinstance(text, str)
        and text.isidentifier()
        and not keyword.iskeyword(text)
        and unicodedata.normalize("NFKC", text) == text
        and not text.startswith("__")
    )


def identifier(text: str) -> str:
    """The nearest valid name: ``my-layer.2`` becomes ``my_layer_2``."""
    name = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", text))
    name = re.sub(r"^_+", "_", name)
    if not name.isidentifier():
        name = f"_{name}"
    return name if name.isidentifier() else "_unnamed"


class Names:
    """The names in use in one generated function, and the next free one."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.taken: set[str] = {*dir(builtins), *keyword.kwlist, *reserved}
        self._automatic = _automatic_names()

    def fresh(self, wanted: str) -> str:
        """A free name as near to the wanted one as possible, now taken."""
        base = identifier(wanted)
        candidates = _numbered(base)
        name = next(name for name in candidates if name not in self.taken)
        self.taken.add(name)
        return name

    def automatic(self) -> str:
        """The next free of ``alpha_``, ``beta_``, ..., now taken."""
        name = next(name for name in self._automatic if name not in self.taken)
        self.taken.add(name)
        return name


def _numbered(base: str) -> Iterator[str]:
    yield base
    yield f"{base}_"
    count = 2
    while True:
        yield f"{base}_{count}"
        count += 1


def _automatic_names() -> Iterator[str]:
    yield from (f"{letter}_" for letter in _GREEK)
    count = 2
    while True:
        yield from (f"{letter}_{count}" for letter in _GREEK)
        count += 1
