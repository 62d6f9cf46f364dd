"""A section of text to Python code: sugar, blocks, then Jinja's compiler with a source map.

Jinja's own compiler is kept, with three changes: what is printed goes through
``environment.literal`` or ``environment.computed``, which remember the template and the line; loops are
counted, so that no template runs forever; and every reference to another template is announced with
its line. The code names its template but no path, so that it can be cached by content.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, generate

from forgather.errors import TemplateError
from forgather.lang import blocks, bytecode, codes, sugar
from forgather.lang.source import Section

if TYPE_CHECKING:
    from forgather.lang.environment import TemplateEnvironment

# All that the code depends on besides the text.
OPTIONS = f"jinja2 {jinja2.__version__} sandboxed strict trim_blocks"


def translate(section: Section) -> str:
    """The section as plain Jinja, line for line."""
    return blocks.expand(sugar.translate(section))


def compile_section(
    environment: TemplateEnvironment, section: Section, cache: bytecode.BytecodeCache
) -> CodeType:
    """The code of a section, from the cache where it is there."""
    key = bytecode.key_of(section.name, section.text, OPTIONS)
    if (code := cache.get(key)) is not None:
        return code
    code = _compile(environment, section)
    cache.put(key, code, durable=section.path is not None)
    return code


def _compile(environment: TemplateEnvironment, section: Section) -> CodeType:
    try:
        tree = environment.parse(translate(section), section.name, section.name)
        _instrument(tree, section.name)
        tree.set_environment(environment)
        source = generate(tree, environment, section.name, section.name, optimized=False)
        assert isinstance(source, str)
        return compile(source, f"<template {section.name}>", "exec")
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error:
        # Limits of the Python compiler: brackets or loops in one another, endless numbers.
        raise TemplateError(
            f"this template is too much for the compiler: {error}",
            where=section.span(1),
            hint="simplify: something is nested too deeply, or a number has too many digits",
            code=codes.SYNTAX,
        ) from error


def _instrument(tree: nodes.Template, name: str) -> None:
    """Count loops; announce references with their kind and line."""
    for loop in list(tree.find_all(nodes.For)):
        loop.iter = _call("counted", loop.lineno, loop.iter)
    kinds: dict[type[nodes.Node], str] = {
        nodes.Extends: "extends",
        nodes.Include: "include",
        nodes.Import: "import",
        nodes.FromImport: "import",
    }
    for kind, word in kinds.items():
        for node in list(tree.find_all(kind)):
            facts = [nodes.Const(fact) for fact in (word, name, node.lineno)]
            node.template = _call("refer", node.lineno, node.template, *facts)  # type: ignore[attr-defined]


def _call(method: str, line: int, *args: nodes.Expr) -> nodes.Call:
    call = nodes.Call(nodes.EnvironmentAttribute(method), list(args), [], None, None)
    call.set_lineno(line)
    return call


class MappingCodeGenerator(CodeGenerator):
    """Jinja's compiler, writing output that knows its origin."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        super().visit_Template(node, frame)
        self.writeline(f"block_places = {dict(_block_places(node))!r}")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        # As in Jinja: after a known extends nothing outside blocks is printed.
        if frame.require_output_check:
            if self.has_known_extends:
                return
            self.writeline("if parent_template is None:")
            self.indent()
        for child in node.nodes:
            self._print(child, frame)
        if frame.require_output_check:
            self.outdent()

    def _print(self, child: nodes.Node, frame: Frame) -> None:
        self.writeline(f"{frame.buffer}.append(" if frame.buffer else "yield ", child)
        if isinstance(child, nodes.TemplateData):
            self.write(f"environment.literal({child.data!r}, {self.name!r}, {child.lineno})")
        else:
            self._computed(child, frame)
        self.write(")" if frame.buffer else "")

    def _computed(self, child: nodes.Node, frame: Frame) -> None:
        self.write("environment.computed(")
        self.visit(child, frame)
        self.write(f", {self.name!r}, {child.lineno})")

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
        inner = frame.inner()
        inner.symbols.analyze_node(node)
        self.enter_frame(inner)
        self.buffer(inner)
        self.blockvisit(node.body, inner)
        self.start_write(frame, node)
        self._computed(node.filter, inner)
        self.end_write(frame)
        self.leave_frame(inner)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


def _block_places(
    node: nodes.Node, outer: str | None = None
) -> Iterator[tuple[str, tuple[int, str | None]]]:
    """name -> (line, name of the block around it)."""
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Block):
            yield child.name, (child.lineno, outer)
            yield from _block_places(child, child.name)
        else:
            yield from _block_places(child, outer)


def block_places(namespace: dict[str, Any]) -> dict[str, tuple[int, str | None]]:
    """What :class:`MappingCodeGenerator` left in the namespace of a template's code."""
    return namespace["block_places"]
