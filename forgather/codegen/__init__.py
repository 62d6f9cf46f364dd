"""Graph to text: Python functions, model packages, YAML. Imports nothing that a graph names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forgather.codegen.package import generate_model_code as generate_model_code
    from forgather.codegen.python import generate_code as generate_code

_HOMES = {"generate_code": "python", "generate_model_code": "package"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
