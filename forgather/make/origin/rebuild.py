"""Makes one task in a scratch checkout, from sources that lie ready there, and says what came of it.

``python -m forgather.make.origin.rebuild SPEC.json``, in the checkout: where Forgather itself is part of the tree, it
is the Forgather of the checkout that runs. The spec names the task and the entries of what it is made
from, which are taken as they are; what has no entry is made, too. Nothing is taken from a cache.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, ForgatherError
from forgather.make.build import Build
from forgather.make.catalog import Catalog
from forgather.make.options import Options
from forgather.make.plan import VARIANT
from forgather.make.rules.train import output_directory
from forgather.make.storage.disk_cache import write_atomically
from forgather.make.storage.entry import Entry
from forgather.make.sweeps.variants import split
from forgather.make.target import Target

OUTSIDE = "FG664"


def main(argv: list[str] | None = None) -> int:
    (name,) = sys.argv[1:] if argv is None else argv
    spec = json.loads(Path(name).read_text())
    result: dict[str, Any] = {}
    code = 0
    try:
        result = rebuild(Path(spec["root"]), spec)
    except ForgatherError as error:
        code = error.exit_code
        result = {"error": error.message, "hint": error.hint, "code": error.code}
    write_atomically(Path(spec["result"]), json.dumps(result))
    return code


def rebuild(root: Path, spec: dict[str, Any]) -> dict[str, Any]:
    """The record of the task, and its provenance. Raises what a build raises."""
    catalog = Catalog(root, Options(executor="local", detach=False))
    _find_config(catalog, root, spec["config"])
    entries = {
        task: Entry.loads(json.dumps(data).encode(), data["key"])
        for task, data in spec["entries"].items()
    }
    done: set[str] = set()

    def bring(target: Target) -> None:
        if target.name in done:
            return
        done.add(target.name)
        for name in target.deps:
            bring(catalog.target(name))
        if not target.is_alias:
            if target.name in entries:
                _offer(catalog.build, target, entries[target.name], spec["stores"])
            _make(catalog.build, target)

    bring(catalog.target(spec["task"]))
    record = catalog.build.state.last(spec["task"])
    assert record is not None
    entry = catalog.build.store.get(record.entry or record.key)
    return {"record": asdict(record), "provenance": entry.provenance if entry is not None else {}}


def _find_config(catalog: Catalog, root: Path, config: dict[str, Any]) -> None:
    """A config with arguments has no name that could be found: it is compiled with them."""
    values = {name: value for name, value in config["variables"].items() if name != VARIANT}
    if values and split(config["id"])[1] is None:
        catalog.compile(root / config["project"], config["name"], values)


def _make(build: Build, target: Target) -> None:
    if target.kind == "train":
        output = Path(os.path.abspath(output_directory(target)))
        if not output.is_relative_to(build.root):
            raise BuildError(
                f"{target.name} trains into {output}, wherever its workspace is",
                hint="what lies there is not touched; write 'output_dir' with project_dir, as "
                "training_script_type.yaml does",
                code=OUTSIDE,
            )
    build.make(target)


def _offer(build: Build, target: Target, entry: Entry, stores: list[str]) -> None:
    """Have the build find ``entry`` under the key that it looks for: it is known to be what is wanted."""
    for output in entry.outputs.values():
        source = next(
            path for store in stores if (path := Path(store) / "cas" / output.digest).is_file()
        )
        build.store.add_blob(source, output.digest, link=True)
    key, _inputs = build.key(target)
    offered = replace(entry, key=key, reads=[])
    build.store.local.write_entry(key, offered.dumps())


if __name__ == "__main__":
    sys.exit(main())
