"""What a verdict looked at, as stat signatures: the first and cheapest level of early cutoff.

While something is computed under :func:`collecting`, everything that asks the file system, the
environment or the build's records notes what it saw. If all of that is seen again, the result is the
same and need not be computed: that is what :mod:`forgather.make.stamps` keeps.

A result that is computed once and used by many is a :class:`Group`: its probes are kept once.
Whatever changed so recently that a later change could leave the same stat makes the collection
``unsettled``, and nothing is kept of it.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple

SETTLED_SECONDS = 0.05  # older than this, a change is sure to have moved the ctime
# What the signature of a file is made of.
signed = attrgetter("st_mtime_ns", "st_ctime_ns", "st_size", "st_ino")


class Probe(NamedTuple):
    """kind: file, dir, absent, no file, env, record, place or unsettled; ``sign``: what was seen there."""

    kind: str
    name: str
    sign: str = ""


class Group:
    """Probes (and groups of probes) of one shared result."""

    def __init__(self) -> None:
        self.items: dict[Probe | Group, None] = {}

    def is_settled(self, known: dict[Group, bool]) -> bool:
        """Whether nothing in it changed too recently. known: what has been found out of groups."""
        if self not in known:
            known[self] = all(
                item.is_settled(known) if isinstance(item, Group) else item.kind != "unsettled"
                for item in self.items
            )
        return known[self]


class _Stack(threading.local):
    def __init__(self) -> None:
        self.groups: list[Group] = []


_stack = _Stack()


@contextmanager
def collecting(*, alone: bool = False) -> Iterator[Group]:
    """Collect what this thread looks at; it is part of what an outer collection looked at.

    alone: it is not; who uses the result notes in other words what it took from it.
    """
    group = Group()
    _stack.groups.append(group)
    try:
        yield group
    finally:
        _stack.groups.pop()
        if not alone:
            note_group(group)


def note_group(group: Group) -> None:
    if _stack.groups and group.items:
        _stack.groups[-1].items[group] = None


def _note(probe: Probe) -> None:
    if _stack.groups:
        _stack.groups[-1].items[probe] = None


def signature(stat: os.stat_result) -> str:
    mtime, ctime, size, inode = signed(stat)
    return f"{mtime}:{ctime}:{size}:{inode}"


def is_settled(stat: os.stat_result) -> bool:
    return time.time() - stat.st_ctime > SETTLED_SECONDS


def note_file(path: str, stat: os.stat_result) -> None:
    kind = "file" if is_settled(stat) else "unsettled"
    _note(Probe(kind, path, signature(stat)))


def note_absent(path: str) -> None:
    _note(Probe("absent", path))


def note_no_file(path: str) -> None:
    """No template is to be had at ``path``: there is nothing, or a folder, or a link to nowhere."""
    _note(Probe("no file", path))


def note_environment(name: str) -> None:
    _note(Probe("env", name, environment_sign(name)))


def note_user_folder() -> None:
    """The variables that say where the user's own templates are."""
    note_environment("XDG_CONFIG_HOME")
    note_environment("HOME")


def environment_sign(name: str) -> str:
    """A digest: what stands in the environment may be secret."""
    value = os.environ.get(name)
    return "unset" if value is None else hashlib.sha256(value.encode()).hexdigest()[:32]


def note_unsettled() -> None:
    """Nothing may be kept of what is being computed."""
    _note(Probe("unsettled", ""))


def note_record(task: str, version: str) -> None:
    _note(Probe("record", task, version))


def note_place(folder: str, name: str) -> None:
    """A project's folder is known by this name; "" if by none."""
    _note(Probe("place", folder, name))


def note_listing(folder: str | os.PathLike[str]) -> None:
    """The names in a folder matter; if it does not exist, that it does not."""
    if not _stack.groups:
        return
    path = os.path.abspath(folder)
    try:
        stat = os.stat(path)
    except OSError:
        if os.path.islink(path):  # to nowhere
            note_listing(os.path.dirname(path))
            path = os.path.realpath(path)
        while not os.path.lexists(os.path.dirname(path)):
            path = os.path.dirname(path)
        note_absent(path)  # whatever could appear below appears here first
        return
    kind = "dir" if is_settled(stat) else "unsettled"
    _note(Probe(kind, path, folder_signature(stat)))


def note_tree(folder: str | os.PathLike[str]) -> None:
    """The names in a folder and all folders below it matter."""
    if not _stack.groups:
        return
    note_listing(folder)
    for path, folders, _files in os.walk(folder):
        for name in folders:
            note_listing(os.path.join(path, name))


def folder_signature(stat: os.stat_result) -> str:
    return f"{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}"


def holds(kind: str, name: str, sign: str) -> bool:
    """Is what was seen then seen now? (Of records and places others know.)"""
    try:
        if kind == "file":
            return signature(os.stat(name)) == sign
        if kind == "dir":
            return folder_signature(os.stat(name)) == sign
    except OSError:
        return False
    if kind == "absent":
        return not os.path.lexists(name)
    if kind == "no file":
        return not os.path.isfile(name)
    if kind == "env":
        return environment_sign(name) == sign
    return False


class Remembered:
    """Results by key, each computed once; using one again notes again what it looked at."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, Group]] = {}

    def __call__(self, key: Any, compute: Callable[[], Any]) -> Any:
        if key not in self._known:
            with collecting() as group:
                value = compute()
            self._known[key] = value, group
            return value
        value, group = self._known[key]
        note_group(group)
        return value

    def get(self, key: Any) -> Any:
        """The result if it is known, else None."""
        known = self._known.get(key)
        if known is None:
            return None
        note_group(known[1])
        return known[0]

    def values(self) -> Iterator[Any]:
        return (value for value, _group in self._known.values())
