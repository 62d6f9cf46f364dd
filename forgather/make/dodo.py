"""For a user's own ``dodo.py``: make doit build the configs below its folder, too.

::

    from forgather.make.dodo import build

    build()

That is a whole ``dodo.py``; it may have tasks of its own, which may name ours in ``task_dep``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from doit.doit_cmd import DoitMain

from forgather.errors import Interrupted
from forgather.make.front.run import PLUGINS
from forgather.make.tasks import Loader

# Where stock doit is told to look for a dodo.py; this one has been found.
PLACES = ("-f", "--file", "-d", "--dir")
SEEK = ("-k", "--seek-file")


def build() -> None:
    """Take the command line over from stock doit, which makes every task before it starts and trusts
    dates. Where our loader is the one that reads the file, nothing is to be done.
    """
    if Loader.is_reading:
        return
    caller = sys._getframe(1).f_globals
    file = Path(caller["__file__"]).resolve()
    os.chdir(file.parent)
    sys.modules.pop(caller["__name__"], None)  # half of it has been read; ours reads it whole
    main = DoitMain(Loader(file.parent, file=file.name), extra_config=PLUGINS)
    try:
        code = main.run(list(_without_places(sys.argv[1:])))
    except KeyboardInterrupt:
        code = Interrupted.exit_code
    raise SystemExit(code)


def _without_places(arguments: Iterable[str]) -> Iterator[str]:
    rest = iter(arguments)
    for argument in rest:
        if argument in PLACES:
            next(rest, None)
        elif argument not in SEEK and argument.partition("=")[0] not in PLACES:
            yield argument
