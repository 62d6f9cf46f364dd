"""One door per library: a third-party library is imported only where the design says.

import-linter knows modules of ours; it cannot say "only this file may import doit", so this reads
the imports itself (those inside functions too). Run it: ``python -m tests.house.doors``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator

from tests.house.sources import Source, sources

# library -> the files (or folders, with a slash at the end) that may import it
DOORS = {
    "doit": (
        "forgather/make/tasks.py",
        "forgather/make/dodo.py",
        "forgather/make/front/",
        "forgather/make/reporters/",
        "dodo.py",
    ),
    # generate_code takes templates of the user's own for code; text of configs is lang's alone
    "jinja2": ("forgather/lang/", "forgather/codegen/python.py"),
    # lists of prompts are data files, read while training, where lang is not to be had
    "yaml": (
        "forgather/lang/",
        "forgather/codegen/yaml.py",
        "forgather/ml/trainer/callbacks/textgen.py",
    ),
    "matplotlib": ("forgather/ml/analysis/",),
    "fastapi": ("forgather/serve/", "forgather/control/server.py"),
    "starlette": ("forgather/serve/", "forgather/control/server.py"),
    "aiohttp": ("forgather/serve/", "forgather/control/"),
    "uvicorn": ("forgather/serve/",),
    "modelsrc": (),
    # What a shared cache brings is never unpickled; the code of templates is this user's own.
    "marshal": ("forgather/lang/bytecode.py",),
    "pickle": (),
    "shelve": (),
    "joblib": (),
    "dill": (),
    "cloudpickle": (),
}
# what a part of a model may import: it is copied beside generated code and must stand alone
MODEL_PARTS = {"torch", "transformers"}


def check(files: Iterable[Source]) -> Iterator[str]:
    for source in files:
        for line, library in imports(source.tree):
            if (message := _refused(source.name, library)) is not None:
                yield f"{source.name}:{line}: error: {message}"


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.partition(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module.partition(".")[0]


def _refused(name: str, library: str) -> str | None:
    if name.startswith("modelsrc/"):
        allowed = library in MODEL_PARTS or library in sys.stdlib_module_names
        return None if allowed else f"a model part may not import {library}"
    if not name.startswith("forgather/") or library not in DOORS:
        return None
    doors = DOORS[library]
    if any(name == door or (door.endswith("/") and name.startswith(door)) for door in doors):
        return None
    return f"{library} may be imported only in {', '.join(doors) or 'no file of the package'}"


def main() -> int:
    messages = list(check(sources()))
    print("\n".join(messages), end="\n" if messages else "")
    return int(bool(messages))


if __name__ == "__main__":
    sys.exit(main())
