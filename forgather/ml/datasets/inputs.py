"""Which data files were read: a record kept while datasets are built.

A build must know its inputs. Everything in this package that reads data reports it here, and the
worker collects it::

    with collect_inputs() as inputs:
        build()
    inputs.files, inputs.listings

A file is recorded before it is read, with its stat: who hashes it afterwards can tell whether it is
still what was read. Without a collector nothing is kept. The record is of this process: a data loader's
workers report nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from forgather.listing import stat_signature

CHANGED = "changed"  # in place of a signature: it was read twice, and was not the same
_collectors: list[Inputs] = []


@dataclass(frozen=True)
class Listing:
    """What a directory was asked for, and what it held: one more file is a change."""

    root: str
    pattern: str
    files: tuple[str, ...]  # relative to root, "/" between parts, sorted


@dataclass
class Inputs:
    files: dict[str, str] = field(default_factory=dict)  # absolute path -> stat before it was read
    listings: set[Listing] = field(default_factory=set)


def record_input(path: str | Path) -> None:
    """A file is about to be read."""
    if not _collectors:
        return
    name = str(Path(path).absolute())
    signature = stat_signature(name)
    for inputs in _collectors:
        if inputs.files.setdefault(name, signature) != signature:
            inputs.files[name] = CHANGED


def record_listing(root: str | Path, pattern: str, files: Iterable[str | Path]) -> None:
    """``pattern`` was looked up under ``root``, and gave ``files`` (relative to ``root``)."""
    if not _collectors:
        return
    names = tuple(sorted(Path(name).as_posix() for name in files))
    for inputs in _collectors:
        inputs.listings.add(Listing(str(Path(root).absolute()), pattern, names))


@contextmanager
def collect_inputs() -> Iterator[Inputs]:
    """Collect what is recorded inside the ``with`` block; collectors may be nested."""
    inputs = Inputs()
    _collectors.append(inputs)
    try:
        yield inputs
    finally:
        # By identity: two empty collectors are equal, and `remove` would take the outer one.
        _collectors[:] = [other for other in _collectors if other is not inputs]
