"""What a probe saw, in words that hold in other checkouts: names below the root, and contents."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from forgather.make.build import PACKAGE
from forgather.make.digest import digest_json, hash_file
from forgather.make.probes import (
    SETTLED_SECONDS,
    environment_sign,
    folder_signature,
    holds,
    is_settled,
    signature,
)
from forgather.make.stamps import Stamps
from forgather.resources import forgather_dir
from forgather.workspace.find import user_templates

SCHEMA = 1
KINDS = ("pp", "graph")  # tasks that are packed, each after those it depends on
MADE = frozenset({"__pycache__"})  # names of folders that hold no sources
MADE_AT_ROOT = MADE | {"build", ".git"}
HERE = "./"  # what names of paths below the root begin with
PATHS = ("file", "dir", "absent", "no file", "place")  # probes that have a path for a name


def key(stamps: Stamps, names: Names) -> str:
    """The key of the pack of a workspace."""
    by = {
        "schema": SCHEMA,
        "reader": stamps.reader,
        "modules": [names.shorten(path) for path in sys.path],
        "projects": sorted(stamps.places.values()),
    }
    return digest_json("pack", by)


def look(kind: str, name: str, names: Names) -> tuple[str, str] | None:
    """The sign of what stands at ``name`` now and its digest; None where nothing sure can be said."""
    try:
        if kind == "file":
            before, digest = _settled(name), hash_file(name)
            sign, after = signature(before), signature(os.stat(name))
        elif kind == "dir":
            before, digest = _settled(name), names.listing(name)
            sign, after = folder_signature(before), folder_signature(os.stat(name))
        elif kind == "env":
            sign = environment_sign(name)
            return sign, sign
        else:
            return ("", "") if holds(kind, name, "") else None
    except OSError:
        return None
    return (sign, digest) if sign == after and is_settled(before) else None


def _settled(path: str) -> os.stat_result:
    """The stat of a file or folder; where it was written a moment ago, that of a moment later.

    That concerns the root of a new checkout, in which ``build/`` has just appeared.
    """
    stat = os.stat(path)
    if 0 <= time.time() - stat.st_ctime <= SETTLED_SECONDS:
        time.sleep(SETTLED_SECONDS)
        stat = os.stat(path)
    return stat


class Names:
    """Names of paths below a root, and back."""

    def __init__(self, root: Path) -> None:
        self._root = _folder(str(root))
        self._user = _folder(user_templates())
        # The same for all whose key is the same, see above.
        ours = (str(PACKAGE), str(forgather_dir()), sys.prefix, sys.base_prefix)
        self._fixed = (*map(_folder, ours), self._user)
        self._modules = frozenset(sys.path)

    def shorten(self, path: str) -> str | None:
        """``path`` as other checkouts name it; None where they may look elsewhere."""
        here = _folder(path)
        if here.startswith(self._root):
            return f"{HERE}{path[len(self._root) :]}"
        if here.startswith(self._fixed) or path in self._modules:
            return path
        # Where the user's folder of templates would appear, unless that is above the checkout too.
        is_above_user = self._user.startswith(here) and not self._root.startswith(here)
        return path if is_above_user else None

    def lengthen(self, name: str) -> str:
        return f"{self._root}{below(name)}".rstrip(os.sep) if name.startswith(HERE) else name

    def listing(self, folder: str) -> str:
        """A digest of the names in a folder, without those that come with building and with git."""
        made = MADE_AT_ROOT if _folder(folder) == self._root else MADE
        return digest_json("names", sorted(set(os.listdir(folder)) - made))


def below(name: str) -> str:
    """The path below the root that a short name stands for."""
    return name.removeprefix(HERE)


def _folder(path: str) -> str:
    return f"{path.rstrip(os.sep)}{os.sep}"
