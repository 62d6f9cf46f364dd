"""Python source for a graph: a function with a parameter for each variable.

:func:`generate` gives the source with a map from its lines to the graph, :func:`generate_code` the
source alone, through a template of the caller's if there is one. The pieces, for other shapes of
module, come from :func:`forgather.codegen.expr.compile_graph`.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from forgather.codegen.expr import CodeParts, compile_graph
from forgather.codegen.text import Line
from forgather.errors import Span


@dataclass(frozen=True, slots=True)
class Origin:
    """What a line of generated code came from: a path in the graph, and its place in a template."""

    path: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Generated:
    """Generated source. lines: line number -> origin, for lines on which a value begins."""

    source: str
    lines: dict[int, Origin] = field(repr=False)

    def origin(self, line: int) -> Origin | None:
        """The origin of the value that this line (1-based) belongs to."""
        known = [number for number in self.lines if number <= line]
        return self.lines[max(known)] if known else None

    def formatted(self, line_length: int = 100) -> Generated:
        """The same code after black, and the map with it."""
        text = format_code(self.source, line_length=line_length)
        return Generated(text, follow(self.source, self.lines, text))

    def moved_into(self, module: str) -> Generated:
        """The map for another module that has the same statements in it, formatted or not."""
        return Generated(module, follow(self.source, self.lines, module))


def generate(
    obj: Any,
    *,
    name_policy: str = "named",
    factory_name: str = "construct",
    relaxed_kwargs: bool = False,
) -> Generated:
    """A module with one function ``factory_name``; see :func:`generate_code`."""
    parts = compile_graph(obj, name_policy=name_policy, reserved=(factory_name,))
    return write_function(parts, factory_name=factory_name, relaxed_kwargs=relaxed_kwargs)


def write_function(
    parts: CodeParts, *, factory_name: str = "construct", relaxed_kwargs: bool = False
) -> Generated:
    """A module with the parts as one function. relaxed_kwargs: accept and ignore other keywords."""
    head = [Line(text) for text in parts.imports]
    for helper in filter(None, [parts.helpers]):
        head += [Line(""), Line("")] if head else []
        head += [Line(text) for text in helper.splitlines()]
    head += [Line(""), Line("")] if head else []
    parameters = [str(parameter) for parameter in parts.variables]
    if relaxed_kwargs:
        parameters.append(f"**{parts.names.fresh('kwargs')}")
    lines = [*head, *_signature(factory_name, parameters), *_body(parts)]
    text = "".join(f"{line}".rstrip() + "\n" for line in lines)
    numbered = ((number, line.path) for number, line in enumerate(lines, start=1))
    origins = {
        number: Origin(path, parts.spans.get(path)) for number, path in numbered if path is not None
    }
    return Generated(text, origins)


def generate_code(
    obj: Any,
    template_name: str | None = None,
    template_str: str | None = None,
    searchpath: str | list[str] = ".",
    env: Any = None,
    name_policy: str = "named",
    **kwargs: Any,
) -> str:
    """Python source that makes what the graph describes.

    name_policy: which nodes get a variable besides those that need one: ``required`` none, ``named``
        those with an explicit name, ``all`` every one.
    template_name, template_str: a Jinja template for the module, found in ``searchpath`` or given as
        text, rendered by ``env`` if given. It sees ``imports`` (list of statements), ``helpers``,
        ``definitions`` and ``main_body`` (source), ``variables`` (each with ``name`` and ``default``),
        and ``kwargs`` as variables.
    kwargs: for the template; without one: ``factory_name`` ("construct") and ``relaxed_kwargs``.
    """
    if template_name is None and template_str is None:
        return generate(obj, name_policy=name_policy, **kwargs).source
    parts = compile_graph(obj, name_policy=name_policy)
    if env is None:
        env = _environment(searchpath)
    template = env.get_template(template_name) if template_name else env.from_string(template_str)
    return template.render(
        imports=parts.imports,
        helpers=parts.helpers,
        variables=parts.variables,
        definitions=parts.definitions_text,
        main_body=parts.main_text,
        **kwargs,
    )


def format_code(source: str, *, line_length: int = 100) -> str:
    """The source after black; same meaning, same bytes for the same version of black."""
    import black

    mode = black.Mode(line_length=line_length, target_versions={black.TargetVersion.PY311})
    return black.format_str(source, mode=mode)


def follow(before: str, lines: dict[int, Origin], after: str) -> dict[int, Origin]:
    """The origins of lines in ``after``, which contains the statements of ``before`` again.

    Statements are recognised by their syntax tree, and the trees walked side by side, so formatting
    and indentation may differ. What is not found again has no origin.
    """
    candidates: dict[str, list[ast.AST]] = defaultdict(list)
    for node in ast.walk(ast.parse(after)):
        if isinstance(node, (ast.stmt, ast.expr)):
            candidates[ast.dump(node)].append(node)
    found: dict[int, Origin] = {}
    for tree in _statements(ast.parse(before)):
        same = candidates.get(ast.dump(tree))
        if not same and isinstance(tree, ast.Return) and tree.value is not None:
            tree = tree.value  # the result may be used otherwise than returned
            same = candidates.get(ast.dump(tree))
        if same:
            _follow_tree(tree, same.pop(0), lines, found)
    return found


def _statements(module: ast.Module) -> Iterator[ast.stmt]:
    for function in module.body:
        if isinstance(function, ast.FunctionDef):
            yield from function.body


def _follow_tree(
    before: ast.AST, after: ast.AST, lines: dict[int, Origin], found: dict[int, Origin]
) -> None:
    moved: dict[int, int] = {}
    for old, new in zip(ast.walk(before), ast.walk(after), strict=True):
        if (number := getattr(old, "lineno", None)) in lines:
            # Black may break a line in several; the first part of it is the one that counts.
            moved[number] = min(new.lineno, moved.get(number, new.lineno))
    for number, new_number in moved.items():
        found.setdefault(new_number, lines[number])


def _signature(name: str, parameters: list[str]) -> list[Line]:
    if not parameters:
        return [Line(f"def {name}():")]
    return [
        Line(f"def {name}("),
        *(Line(f"{parameter},", depth=1) for parameter in parameters),
        Line("):"),
    ]


def _body(parts: CodeParts) -> Iterator[Line]:
    for line in parts.definitions:
        yield Line(line.text, line.path, line.depth + 1)
    if parts.definitions and parts.definitions[-1].text:
        yield Line("")
    for index, line in enumerate(parts.main):
        text = f"return {line.text}" if index == 0 else line.text
        yield Line(text, line.path, line.depth + 1)


def _environment(searchpath: str | list[str]) -> Any:
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        loader=FileSystemLoader(searchpath),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
