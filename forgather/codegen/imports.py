"""The imports of generated code: which are needed, what they are called, and how they are written.

Nothing is imported here to find that out; a dotted name without a colon is split by asking the module
finders (:func:`forgather.graph.specs.module_prefix`).
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from forgather.codegen.names import Names
from forgather.errors import ResolveError
from forgather.graph import codes, files
from forgather.graph.resolve import resolve
from forgather.graph.specs import ImportSpec, SpecKind, module_prefix, parse_spec

# A module to import a symbol from instead of what the spec says, or None to leave it.
Relocate = Callable[[ImportSpec, Sequence[str]], str | None]

_HELPER_MODULES = ("hashlib", "importlib", "importlib.util", "os", "sys", "types")

_DYNIMPORT = '''\
def {name}(path, name, searchpath=()):
    """The symbol `name` of the Python file `path`."""
    return getattr(import_file(path, searchpath), name)
'''


class Imports:
    """Collects what one generated module imports.

    parameters: names of the generated function's parameters, which hide builtins inside it.
    """

    def __init__(
        self, names: Names, parameters: Collection[str] = (), relocate: Relocate | None = None
    ) -> None:
        self.names = names
        self.parameters = frozenset(parameters)
        self.relocate = relocate or (lambda spec, searchpath: None)
        self.local: dict[tuple[str, str], str] = {}  # (module, symbol) -> local name
        self.used: set[tuple[str, str]] = set()
        self.modules: dict[str, str] = {}  # plain `import module` -> local name
        self.needs_files = False
        self.file_helper = names.fresh("dynimport") if "dynimport" in parameters else "dynimport"

    def declare(self, module: str, symbol: str) -> str:
        """Reserve the local name of a symbol, without importing it yet."""
        key = (module, symbol)
        if key not in self.local:
            self.local[key] = self.names.fresh(symbol)
        return self.local[key]

    def symbol(self, module: str, dotted: str) -> str:
        """The expression for ``module:dotted``, which is imported from now on."""
        head, _, rest = dotted.partition(".")
        name = self.declare(module, head)
        self.used.add((module, head))
        return f"{name}.{rest}" if rest else name

    def builtin(self, dotted: str) -> str:
        """The expression for a builtin, also where a parameter hides its name."""
        if dotted.partition(".")[0] not in self.parameters:
            return dotted
        if "builtins" not in self.modules:
            self.modules["builtins"] = self.names.fresh("builtins")
        return f"{self.modules['builtins']}.{dotted}"

    def source_of(self, spec: str, searchpath: Sequence[str]) -> tuple[ImportSpec, str, str]:
        """(parsed spec, module, dotted symbol); the module is empty where nothing is imported."""
        parsed = parse_spec(spec)
        if (module := self.relocate(parsed, searchpath)) is not None:
            return ImportSpec(SpecKind.MODULE, module, parsed.symbol), module, parsed.symbol
        if parsed.kind is SpecKind.BUILTIN and not callable(resolve(spec)):
            raise ResolveError(f"{spec!r} is not callable", code=codes.NOT_CALLABLE)
        if parsed.kind is SpecKind.DOTTED:
            module = module_prefix(parsed.symbol)
            if module is None or module == parsed.symbol:
                module = parsed.symbol.rpartition(".")[0]
            return parsed, module, parsed.symbol[len(module) + 1 :]
        if parsed.kind in (SpecKind.MODULE, SpecKind.RELATIVE):
            return parsed, parsed.module, parsed.symbol
        return parsed, "", parsed.symbol

    def use_files(self) -> str:
        """The name of the helper that imports from a file; it is written from now on."""
        self.needs_files = True
        return self.file_helper

    def statements(self) -> list[str]:
        """One import statement for each module, sorted; relative ones last."""
        plain = [
            f"import {module}" + (f" as {name}" if name != module else "")
            for module, name in self.modules.items()
        ]
        if self.needs_files:
            plain += [f"import {module}" for module in _HELPER_MODULES]
        wanted: dict[str, list[str]] = defaultdict(list)
        for module, symbol in sorted(self.used):
            name = self.local[module, symbol]
            wanted[module].append(symbol if name == symbol else f"{symbol} as {name}")
        modules = sorted(wanted, key=lambda module: (module.startswith("."), module))
        return sorted(plain) + [f"from {m} import {', '.join(wanted[m])}" for m in modules]

    def helpers(self) -> str:
        """The source of the functions that generated code needs beside it, or nothing."""
        if not self.needs_files:
            return ""
        functions = [inspect.getsource(files.parts_package), inspect.getsource(files.import_file)]
        return "\n\n".join([*functions, _DYNIMPORT.format(name=self.file_helper)])


HELPER_NAMES = (
    *(module.partition(".")[0] for module in _HELPER_MODULES),
    "dynimport",
    "import_file",
    "parts_package",
)
