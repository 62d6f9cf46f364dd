"""Python files as modules: imported by path, with relative imports looked up in a search path.

The files of a search path form one package without a name of its own: ``from .norm import RMSNorm``
in any of them means the first ``norm.py`` found in the directories. The package is named after a
digest of those directories, so two files of one stem in different places are two modules, and the same
file asked for twice through the same directories is one.

The functions here need the standard library only and refer to nothing else in this package: the code
generator copies their source into what it writes.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import sys
import types


def parts_package(searchpath: list[str] | tuple[str, ...]) -> str:
    """The name of the package that stands for these directories; made at first use."""
    folders = list(dict.fromkeys(os.path.realpath(folder) for folder in searchpath))
    digest = hashlib.sha256("\0".join(folders).encode(errors="surrogateescape")).hexdigest()
    name = f"forgather_parts_{digest[:12]}"
    if name not in sys.modules:
        package = types.ModuleType(name, "Python files found in: " + ", ".join(folders))
        package.__path__ = folders
        sys.modules[name] = package
    return name


def import_file(path: str, searchpath: list[str] | tuple[str, ...] = ()) -> types.ModuleType:
    """Import the Python file ``path``; its relative imports see ``searchpath`` and its own folder."""
    path = os.path.realpath(path)
    folders = [*(os.path.realpath(folder) for folder in searchpath), os.path.dirname(path)]
    package = parts_package(folders)
    stem = os.path.splitext(os.path.basename(path))[0]
    first = next((f for f in folders if os.path.exists(os.path.join(f, stem + ".py"))), None)
    name = f"{package}.{stem}"
    if "." in stem or first != os.path.dirname(path) or os.path.isdir(path[: -len(".py")]):
        # A plain import of this stem would find another file: this one gets a name from its path.
        digest = hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()
        name = f"{package}.{stem.replace('.', '_')}_{digest[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    importlib.invalidate_caches()
    if name == f"{package}.{stem}":
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
