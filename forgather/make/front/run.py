"""doit from Python: what we plug into it, and how the command line runs it.

A build root without a ``pyproject.toml`` of ours needs nothing: what ``[tool.doit]`` would say stands
here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from doit import cmd_run
from doit.doit_cmd import DoitMain

from forgather.errors import ForgatherError
from forgather.make.options import Options
from forgather.make.tasks import Loader, Refused

if TYPE_CHECKING:
    from forgather.make.catalog import Catalog

PLUGINS = {
    "BACKEND": {"forgather": "forgather.make.front.memory:StateBackend"},
    "REPORTER": {
        "forgather": "forgather.make.reporters:Console",
        "plain": "forgather.make.reporters:Plain",
        "changes": "forgather.make.reporters:Changes",
        "json": "forgather.make.reporters:JsonLines",
        "github": "forgather.make.reporters:GitHub",
        "junit": "forgather.make.reporters:JUnit",
    },
    "COMMAND": {
        "why": "forgather.make.front.commands:Why",
        "info": "forgather.make.front.commands:Info",
        "forget": "forgather.make.front.forget:Forget",
        "list": "forgather.make.front.upkeep:List",
        "clean": "forgather.make.front.upkeep:Clean",
        "graph": "forgather.make.front.graph:Graph",
    },
}


def run_doit(
    root: Path,
    arguments: Sequence[str],
    options: Options | None = None,
    catalog: Catalog | None = None,
) -> int:
    """Run doit in the build root ``root``; its exit code.

    Raises ForgatherError where names or configs keep it from starting: doit would make a text of it.
    """
    before = os.getcwd()
    os.chdir(root)
    cmd_run.opt_outfile["default"] = sys.stdout  # doit takes that of the time of its import
    try:
        loader = Loader(root, options, catalog, raises=True)
        main = DoitMain(loader, extra_config=PLUGINS, config_filenames=())
        main.BIN_NAME = "forgather doit"
        code = main.run(list(arguments)) or 0  # some commands of doit give none
        loader.finish()
        return code
    except Refused as refused:
        raise refused.error from None
    finally:
        os.chdir(before)


def tell_refusal(root: Path, reporter: str, output: str | None, error: ForgatherError) -> None:
    """Have a reporter say that the build did not start: programs read nothing else."""
    module, _, name = PLUGINS["REPORTER"][reporter].partition(":")
    kind = getattr(importlib.import_module(module), name)
    with open(output, "w", encoding="utf-8") if output else nullcontext(sys.stdout) as stream:
        kind(stream).refuse(root, error)


def run_compiled(catalog: Catalog, names: Iterable[str]) -> int:
    """Run tasks of a catalog that may hold configs with arguments, which no name can find."""
    build = catalog.build
    return run_doit(build.root, ["run", *names], build.options, catalog)
