"""Do the things that a graph calls exist, and do they take the arguments they are given?

Read from source; nothing is imported and no constructor runs.
"""

from __future__ import annotations

import builtins
import inspect
import os
from collections.abc import Iterator, Sequence
from inspect import Signature
from typing import Any

from forgather.errors import ImportSpecError, did_you_mean, nearest
from forgather.graph.codes import WRONG_ARGUMENTS
from forgather.graph.nodes import CONTAINER_CONSTRUCTORS, CallableNode, PartialNode
from forgather.graph.signature import argument_problems
from forgather.graph.specs import ImportSpec, SpecKind, module_prefix, parse_spec
from forgather.graph.walk import nodes
from forgather.view.check.findings import Finding
from forgather.view.check.modules import (
    MISSING,
    Definition,
    Module,
    find_module,
    lookup,
    names_of,
    nearest_module,
    read_module,
)
from forgather.view.check.signature import member, method_signature, signature_of

MALFORMED, NO_SUCH = "FG303", "FG304"


def check_calls(root: Any, system_path: Sequence[str] = ()) -> Iterator[Finding]:
    """Findings for every call in the graph."""
    for path, node in nodes(root):
        if isinstance(node, CallableNode) and node.constructor not in CONTAINER_CONSTRUCTORS:
            for finding in _check(node, tuple(system_path)):
                yield _at(finding, node, path)


def _at(finding: tuple, node: CallableNode, path: str) -> Finding:
    code, message, hint, where = finding
    return Finding("error", code, message, where or node.span, hint, path)


def _check(node: CallableNode, system_path: tuple[str, ...]) -> Iterator[tuple]:
    try:
        spec = parse_spec(node.constructor)
    except ImportSpecError as error:
        yield MALFORMED, str(error), error.hint, None
        return
    found = _Search(node.constructor, spec, tuple(node.submodule_searchpath), system_path).run()
    if isinstance(found, _Problem):
        yield NO_SUCH, found.message, found.hint, None
    elif isinstance(found, Signature):
        yield from _arguments(node, found)


class _Problem:
    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint


class _Search:
    """From an import spec to the signature of what it names, to a problem, or to None: unknown."""

    def __init__(
        self, text: str, spec: ImportSpec, searchpath: tuple[str, ...], system_path: tuple[str, ...]
    ) -> None:
        self.text, self.spec = text, spec
        self.searchpath, self.system_path = searchpath, system_path

    def run(self) -> Signature | _Problem | None:
        match self.spec.kind:
            case SpecKind.NATIVE:
                return None
            case SpecKind.BUILTIN:
                return self._builtin()
            case SpecKind.MODULE:
                return self._inside(find_module(self.spec.module, self.system_path))
            case SpecKind.DOTTED:
                return self._dotted()
            case SpecKind.RELATIVE:
                return self._relative()
            case SpecKind.FILE:
                return self._file()

    def _builtin(self) -> Signature | _Problem | None:
        value: Any = builtins
        for name in self.spec.symbol.split("."):
            if not hasattr(value, name):
                close = nearest(name, [known for known in dir(value) if known[0] != "_"])
                hint = f"did you mean {close!r}?" if close else "write module:symbol for the rest"
                return _Problem(f"there is no builtin {self.spec.symbol!r}", hint)
            value = getattr(value, name)
        return _builtin_signature(value)

    def _dotted(self) -> Signature | _Problem | None:
        module = module_prefix(self.spec.symbol)
        if module is None:
            head = self.spec.symbol.partition(".")[0]
            if self.system_path and find_module(head, self.system_path) is not MISSING:
                return None
            message = f"{self.text!r}: {head!r} is neither a builtin nor an installed module"
            return _Problem(message, self._module_hint(head))
        rest = self.spec.symbol[len(module) + 1 :]
        self.spec = ImportSpec(SpecKind.MODULE, module, rest)
        return self._inside(find_module(module)) if rest else None

    def _relative(self) -> Signature | _Problem | None:
        if not self.searchpath:
            return None  # relative to a package that is not written yet
        stem = self.spec.module.lstrip(".").replace(".", "/")
        for folder in self.searchpath:
            file = os.path.join(folder, f"{stem}.py")
            if os.path.isfile(file):
                return self._inside(read_module(file, f"_parts.{stem.replace('/', '.')}"))
        known = {name[:-3] for folder in self.searchpath for name in _python_files(folder)}
        message = f"{self.text!r}: no {stem}.py in {', '.join(self.searchpath)}"
        return _Problem(message, did_you_mean(stem, known))

    def _file(self) -> Signature | _Problem | None:
        file = self.spec.module
        if os.path.isfile(file):
            return self._inside(read_module(file, os.path.basename(file)[:-3]))
        folder, name = os.path.split(file)
        hint = did_you_mean(name, _python_files(folder or "."))
        return _Problem(f"{self.text!r}: there is no file {file}", hint)

    def _module_hint(self, name: str) -> str:
        close = nearest_module(name, self.system_path)
        return f"did you mean {close!r}?" if close else "is it installed in this Python?"

    def _inside(self, module: Any) -> Signature | _Problem | None:
        if module is MISSING:
            message = f"{self.text!r}: there is no module {self.spec.module!r}"
            return _Problem(message, self._module_hint(self.spec.module))
        found: Any = module
        for name in self.spec.symbol.split("."):
            if isinstance(found, Definition):
                return _member_signature(found, name)
            if not isinstance(found, Module):
                return None
            holder, found = found, lookup(found, name)
            if found is MISSING:
                message = f"{self.text!r}: module {holder.name!r} has no {name!r}"
                return _Problem(message, did_you_mean(name, names_of(holder)))
        return signature_of(found) if isinstance(found, Definition) else None


def _member_signature(holder: Definition, name: str) -> Signature | None:
    method = member(holder, name)
    return None if method is None else method_signature(method)


def _python_files(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".py"))
    except OSError:
        return []


def _builtin_signature(value: Any) -> Signature | None:
    """Builtins are Python's own, so looking at the object runs nothing of the user's."""
    try:
        return inspect.signature(value)
    except (TypeError, ValueError):
        return None


def _arguments(node: CallableNode, signature: Signature) -> Iterator[tuple]:
    """Arguments that the call has too many or too few. A partial may leave out any."""

    def stand_in() -> None: ...

    stand_in.__signature__ = signature  # type: ignore[attr-defined]
    incomplete = isinstance(node, PartialNode) or node.latent_args is not None
    names = [str(key) for key in node.kwargs]
    for problem in argument_problems(stand_in, len(node.args), names, partial=incomplete):
        where = problem.place(node.arg_spans)
        yield WRONG_ARGUMENTS, f"{node.constructor} {problem.message}", problem.hint, where
