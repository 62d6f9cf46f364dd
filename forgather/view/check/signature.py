"""The signature of a callable, read from its source; None where source cannot tell."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from inspect import Parameter, Signature

from forgather.view.check.modules import Definition, Module, lookup

# decorators that leave the parameters as they are written
HARMLESS = {
    "abstractmethod", "cache", "contextmanager", "deprecated", "final", "inference_mode",
    "lru_cache", "no_grad", "override", "register_for_auto_class", "runtime_checkable",
    "total_ordering",
}  # fmt: skip
IGNORED_BASES = {"ABC", "Generic", "object", "Protocol"}


@dataclass(frozen=True)
class _Shown:
    """Stands for a default value: what was written for it."""

    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass
class _Fields:
    """Fields of a dataclass, collected from its bases down."""

    positional: list[str] = field(default_factory=list)
    keyword: list[str] = field(default_factory=list)
    required: set[str] = field(default_factory=set)


def signature_of(definition: Definition) -> Signature | None:
    """How ``definition`` may be called."""
    node = definition.node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return _function(node) if _plain(node.decorator_list) else None
    if isinstance(node, ast.ClassDef):
        return _class(definition.module, node, depth=8)
    return None


def member(definition: Definition, name: str) -> Definition | None:
    """A class attribute, as in ``str.format``; None where it cannot be found in the class itself."""
    body = definition.node.body if isinstance(definition.node, ast.ClassDef) else []
    for statement in body:
        if getattr(statement, "name", None) == name:
            return Definition(definition.module, statement, statement.lineno)
    return None


def method_signature(method: Definition) -> Signature | None:
    """Signature of a class method or static method called on its class."""
    node = method.node
    if not isinstance(node, ast.FunctionDef):
        return None
    kinds = [_last_name(decorator) for decorator in node.decorator_list]
    if kinds == ["staticmethod"]:
        return _function(node)
    return _function(node, skip=1) if kinds == ["classmethod"] else None


def _last_name(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else "?"


def _plain(decorators: list[ast.expr]) -> bool:
    return all(_last_name(decorator) in HARMLESS for decorator in decorators)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, skip: int = 0) -> Signature:
    """``skip``: leading parameters that the call itself fills in (self, cls)."""
    arguments = node.args
    positional = [(arg.arg, Parameter.POSITIONAL_ONLY) for arg in arguments.posonlyargs]
    positional += [(arg.arg, Parameter.POSITIONAL_OR_KEYWORD) for arg in arguments.args]
    without = len(positional) - len(arguments.defaults)
    defaults = [*[None] * without, *arguments.defaults]
    found = [
        Parameter(name, kind, default=_default(value))
        for (name, kind), value in list(zip(positional, defaults, strict=True))[skip:]
    ]
    if arguments.vararg is not None:
        found.append(Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL))
    for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(Parameter(arg.arg, Parameter.KEYWORD_ONLY, default=_default(value)))
    if arguments.kwarg is not None:
        found.append(Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD))
    return Signature(found)


def _default(value: ast.expr | None) -> object:
    return Parameter.empty if value is None else _Shown(ast.unparse(value))


def _class(module: Module, node: ast.ClassDef, depth: int) -> Signature | None:
    if not depth or node.keywords:
        return None
    decorators = [_last_name(decorator) for decorator in node.decorator_list]
    methods = {s.name: s for s in node.body if isinstance(s, ast.FunctionDef)}
    for name in ("__init__", "__new__"):
        if name in methods:
            return _function(methods[name], 1) if _plain(methods[name].decorator_list) else None
    if "dataclass" in decorators:
        fields = _fields(module, node, depth)
        return None if fields is None else _from_fields(fields)
    if not all(name in HARMLESS for name in decorators):
        return None
    bases = _bases(module, node)
    if bases is None:
        return None
    for base in bases:
        # The first base stands for the rest: with several, which __init__ wins needs the real MRO.
        return _class(base.module, base.node, depth - 1) if len(bases) == 1 else None
    return Signature()


def _bases(module: Module, node: ast.ClassDef) -> list[Definition] | None:
    found = []
    for base in node.bases:
        target = base.value if isinstance(base, ast.Subscript) else base
        if _last_name(target) in IGNORED_BASES:
            continue
        definition = _resolve(module, target)
        if definition is None or not isinstance(definition.node, ast.ClassDef):
            return None
        found.append(definition)
    return found


def _resolve(module: Module, target: ast.expr) -> Definition | None:
    if isinstance(target, ast.Name):
        found = lookup(module, target.id)
    elif isinstance(target, ast.Attribute):
        found = module
        for part in ast.unparse(target).split("."):
            found = lookup(found, part) if isinstance(found, Module) else None
    else:
        return None
    return found if isinstance(found, Definition) else None


def _fields(module: Module, node: ast.ClassDef, depth: int) -> _Fields | None:
    bases = _bases(module, node)
    if bases is None or not depth:
        return None
    result = _Fields()
    for base in reversed(bases):
        if "dataclass" in [_last_name(d) for d in base.node.decorator_list]:
            inherited = _fields(base.module, base.node, depth - 1)
            if inherited is None:
                return None
            _merge(result, inherited)
    keyword_only = _decorator_flag(node, "kw_only")
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        annotation = ast.unparse(statement.annotation)
        if "KW_ONLY" in annotation:
            keyword_only = True
        elif "ClassVar" not in annotation and _flag(statement.value, "init") is not False:
            only = keyword_only or _flag(statement.value, "kw_only") is True
            _add_field(result, statement.target.id, only, _has_default(statement.value))
    return result


def _merge(into: _Fields, other: _Fields) -> None:
    into.positional += [name for name in other.positional if name not in into.positional]
    into.keyword += [name for name in other.keyword if name not in into.keyword]
    into.required |= other.required


def _add_field(fields: _Fields, name: str, keyword_only: bool, has_default: bool) -> None:
    target = fields.keyword if keyword_only else fields.positional
    if name not in target:
        target.append(name)
    fields.required.discard(name)
    if not has_default:
        fields.required.add(name)


def _from_fields(fields: _Fields) -> Signature:
    kinds = [(name, Parameter.POSITIONAL_OR_KEYWORD) for name in fields.positional]
    kinds += [(name, Parameter.KEYWORD_ONLY) for name in fields.keyword]
    # A required field after one with a default is legal in a dataclass with inheritance only when
    # Python accepted it, so the order is not checked again here.
    return Signature(
        [
            Parameter(
                name, kind, default=Parameter.empty if name in fields.required else _Shown("...")
            )
            for name, kind in kinds
        ],
        __validate_parameters__=False,
    )


def _decorator_flag(node: ast.ClassDef, name: str) -> bool:
    return any(_flag(decorator, name) is True for decorator in node.decorator_list)


def _flag(value: ast.expr | None, name: str) -> bool | None:
    """The constant keyword ``name`` of a call such as ``field(init=False)``."""
    for keyword in value.keywords if isinstance(value, ast.Call) else ():
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return bool(keyword.value.value)
    return None


def _has_default(value: ast.expr | None) -> bool:
    if value is None:
        return False
    if isinstance(value, ast.Call) and _last_name(value.func) == "field":
        return any(keyword.arg in ("default", "default_factory") for keyword in value.keywords)
    return True
