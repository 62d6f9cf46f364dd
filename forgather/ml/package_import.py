"""Importing the code of a model package: plainly, from where it lies.

``trust_remote_code`` copies a package into a cache and imports the copy; here the files themselves are
imported, under a module name made from their place and content. So an edited package is a new module,
two packages never meet, and the package directory stays as it is (no bytecode is written into it).
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

from forgather.errors import BuildError

_lock = threading.RLock()


def content_digest(directory: Path) -> str:
    """sha256 over names and bytes of all files; hidden files and bytecode do not count."""
    total = hashlib.sha256(b"model package\n")
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if path.is_file() and not name.startswith(".") and "__pycache__" not in path.parts:
            total.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def package_class(package_dir: str | os.PathLike[str], auto_class: str) -> Any:
    """The class that config.json names for an Auto class, or None if transformers has it itself.

    The class is registered for saving, so that ``save_pretrained`` takes the code along.
    """
    directory = Path(package_dir)
    auto_map = read_config(directory).get("auto_map", {})
    if auto_class not in auto_map:
        return None
    module_name, _, class_name = auto_map[auto_class].rpartition("--")[2].partition(".")
    with _lock:
        package = load_package(directory)
        written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            module = importlib.import_module(f"{package}.{module_name}")
        finally:
            sys.dont_write_bytecode = written
    found = getattr(module, class_name)
    found.register_for_auto_class(auto_class)
    return found


def read_config(directory: Path) -> dict[str, Any]:
    path = directory / "config.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BuildError(f"{directory} is not a model package: it has no config.json") from error
    except ValueError as error:
        raise BuildError(f"{path} is damaged: {error}") from error


def module_name(directory: Path) -> str:
    total = hashlib.sha256(os.fsencode(directory.resolve()))
    for path in sorted(directory.glob("*.py")):
        total.update(path.name.encode() + b"\0" + path.read_bytes())
    return f"forgather_model_{total.hexdigest()[:16]}"


def load_package(directory: Path) -> str:
    """The name of the package module whose submodules are the files of ``directory``."""
    name = module_name(directory)
    if name not in sys.modules:
        package = ModuleType(name, "A model package.")
        package.__path__ = [str(directory.resolve())]
        sys.modules[name] = package
    return name


def unload(directory: Path) -> None:
    """Forget the modules of a package that is about to move."""
    with _lock:
        name = module_name(directory)
        for loaded in [key for key in sys.modules if key == name or key.startswith(f"{name}.")]:
            del sys.modules[loaded]
