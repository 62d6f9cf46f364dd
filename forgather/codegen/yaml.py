"""YAML text for a graph, which parses back to an equal one.

A mapping at the root gets its shared and named nodes as ``.define`` entries above the entry that needs
them first; the loader drops those keys and keeps the anchors. Elsewhere an anchor stands where its
value is first written. Entries of the root whose names begin with a dot are left out, as the loader
does. Plain tuples cannot come from YAML, and are written as ``!tuple``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from forgather.codegen.names import Names
from forgather.errors import CodegenError
from forgather.graph.nodes import (
    UNSET,
    CallableNode,
    FactoryNode,
    MetaNode,
    Node,
    PartialNode,
    SingletonNode,
    VarNode,
)
from forgather.graph.walk import edges, is_branch, walk

_TAGS: dict[type[CallableNode], str] = {
    SingletonNode: "!call",
    FactoryNode: "!factory",
    PartialNode: "!partial",
    MetaNode: "!meta",
}
_CONTAINER_TAGS = {"named_list": "!list", "named_tuple": "!tuple", "named_dict": "!dict"}

# Keywords that the loader would take for something else than an argument of that name.
_SPECIAL = re.compile(r"arg\d+|args|kwargs")
_RESERVED_KEYWORDS = frozenset({"submodule_searchpath", "latent_args", "_identity", "constructor"})

_PLAIN = re.compile(r"[A-Za-z_./][\w./+-]*(?: [\w./+-]+)*", re.ASCII)
_RESERVED = re.compile(
    r"y|n|yes|no|on|off|true|false|null|~|\.inf|\.nan|\.|\.\.+|[.][0-9_.e+-]*", re.IGNORECASE
)
_MAX_SIMPLE_KEY = 100
_SHORT = 60  # a list of plain values up to this long stays on one line

_INDENT = "    "


def to_yaml(obj: Any) -> str:
    """The graph as YAML text."""
    if isinstance(obj, dict):
        obj = {key: value for key, value in obj.items() if not _is_private(key)}
    return "\n".join(_Writer(obj).document(obj)) + "\n"


def _is_private(key: Any) -> bool:
    return isinstance(key, str) and key.startswith(".")


class _Writer:
    def __init__(self, obj: Any) -> None:
        self.references = _reference_counts(obj)
        self.paths = {id(v.value): v.path for v in walk(obj) if is_branch(v.value)}
        self.names = Names()
        self.names.taken.clear()  # anchors are no Python names: nothing is reserved
        self.anchors: dict[int, str] = {}  # id of a value that has been written -> its anchor

    def document(self, obj: Any) -> list[str]:
        if not isinstance(obj, dict) or not obj:
            return self.block(obj, "")
        lines: list[str] = []
        for key, value in obj.items():
            definitions = self.definitions(value, top=True)
            entry = self.entry(_key(key), value, "")
            if lines and (definitions or len(entry) > 1):
                lines.append("")
            lines += [*definitions, *entry]
        return lines

    def definitions(self, value: Any, *, top: bool = False) -> list[str]:
        """``.define`` entries for what must have an anchor before ``value`` is written."""
        if not is_branch(value) or id(value) in self.anchors:
            return []
        lines: list[str] = []
        for _, child in edges(value):
            lines += self.definitions(child)
        named = isinstance(value, Node) and value.identity is not None
        if not top and (named or self.needs_anchor(value)):
            lines += self.entry(".define", value, "", anchored=True)
        return lines

    def needs_anchor(self, value: Any) -> bool:
        if isinstance(value, VarNode) and not is_branch(value.default):
            return False  # another !var of that name is as good
        if not isinstance(value, Node) and not value:
            return False
        return self.references.get(id(value), 0) > 1

    def entry(self, head: str, value: Any, indent: str, *, anchored: bool = False) -> list[str]:
        """``head: value``; the value begins on the same line where YAML lets it."""
        if len(head) > _MAX_SIMPLE_KEY:
            return [f"{indent}? {head}", *self._after(f"{indent}:", value, indent, anchored)]
        return self._after(f"{indent}{head}:", value, indent, anchored)

    def _after(self, head: str, value: Any, indent: str, anchored: bool) -> list[str]:
        first, rest = self.parts(value, indent + _INDENT, anchored=anchored)
        return [f"{head} {first}".rstrip(), *rest]

    def block(self, value: Any, indent: str) -> list[str]:
        first, rest = self.parts(value, indent)
        return [*([indent + first] if first else []), *rest]

    def parts(self, value: Any, indent: str, *, anchored: bool = False) -> tuple[str, list[str]]:
        """(properties or the whole of a short value, the lines of a block below)."""
        if not is_branch(value):
            return _scalar(value), []
        if id(value) in self.anchors:
            return f"*{self.anchors[id(value)]}", []
        head = ""
        if anchored or self.needs_anchor(value):
            self.anchors[id(value)] = self._anchor_name(value)
            head = f"&{self.anchors[id(value)]}"
        tag, content = self._tag_and_content(value)
        head = f"{head} {tag}".strip()
        if not is_branch(content):
            return f"{head} {_scalar(content)}".strip(), []
        if not content:
            return f"{head} {'{}' if isinstance(content, dict) else '[]'}".strip(), []
        if isinstance(content, list) and not any(map(is_branch, content)):
            flow = f"[{', '.join(map(_scalar, content))}]"
            if len(flow) <= _SHORT:
                return f"{head} {flow}".strip(), []
        return head, self._lines(content, indent)

    def _lines(self, content: Any, indent: str) -> list[str]:
        lines: list[str] = []
        if isinstance(content, dict):
            for key, value in content.items():
                lines += self.entry(_key(key), value, indent)
            return lines
        for value in content:
            lines += self._after(f"{indent}-", value, indent, False)
        return lines

    def _anchor_name(self, value: Any) -> str:
        identity = value.identity if isinstance(value, Node) else None
        return self.names.fresh(identity) if identity else self.names.automatic()

    def _tag_and_content(self, value: Any) -> tuple[str, Any]:
        if isinstance(value, VarNode):
            if value.default is UNSET:
                return "!var", value.name
            return "!var", {"name": value.name, "default": value.default}
        if isinstance(value, tuple):
            return "!tuple", list(value)
        if not isinstance(value, CallableNode):
            return "", value
        name = f"@{quote(value.identity, safe='-_.')}" if value.identity is not None else ""
        container = _CONTAINER_TAGS.get(value.constructor)
        if type(value) is SingletonNode and container and _is_plain_container(value):
            content = value.kwargs if container == "!dict" else value.args
            return f"{container}:{name}" if name else container, content
        return f"{_TAGS[type(value)]}:{self._spec(value)}{name}", self._arguments(value)

    def _spec(self, node: CallableNode) -> str:
        if "@" in node.constructor:
            raise CodegenError(
                f"a tag cannot hold the import spec {node.constructor!r}: '@' begins a node's name",
                where=node.span,
            )
        return quote(node.constructor, safe="-/:._")

    def _arguments(self, node: CallableNode) -> Any:
        extra: dict[str, Any] = {}
        if node.submodule_searchpath:
            extra["submodule_searchpath"] = list(node.submodule_searchpath)
        if node.latent_args is not None:
            extra["latent_args"] = node.latent_args
        if not node.kwargs and not extra:
            return node.args
        reserved = sorted(_RESERVED_KEYWORDS.intersection(node.kwargs))
        odd = [key for key in node.kwargs if not isinstance(key, str) or _SPECIAL.fullmatch(key)]
        if reserved:
            raise CodegenError(
                f"a tag has no argument named {reserved[0]!r}: {self.paths[id(node)]}",
                where=node.span,
            )
        if not odd:
            numbered = {f"arg{index}": item for index, item in enumerate(node.args)}
            return {**numbered, **node.kwargs, **extra}
        if extra:
            raise CodegenError(
                f"YAML cannot say an argument named {odd[0]!r} together with {', '.join(extra)}: "
                + self.paths[id(node)],
                where=node.span,
            )
        return {"args": list(node.args), "kwargs": dict(node.kwargs)}


def _is_plain_container(node: CallableNode) -> bool:
    if node.submodule_searchpath or node.latent_args is not None:
        return False
    return not (node.args if node.constructor == "named_dict" else node.kwargs)


def _reference_counts(root: Any) -> Mapping[int, int]:
    counts = {id(root): 1}
    stack = [root]
    while stack:
        for _, child in edges(stack.pop()):
            if not is_branch(child):
                continue
            counts[id(child)] = counts.get(id(child), 0) + 1
            if counts[id(child)] == 1:
                stack.append(child)
    return counts


def _key(key: Any) -> str:
    return _scalar(key)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 1 << 14_000 else hex(value)
    return _float(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, letter, exponent = text.partition("e")
    if not letter:
        return text
    # YAML 1.1 wants the point and the sign: 1e-05 would be a string.
    mantissa += "" if "." in mantissa else ".0"
    return f"{mantissa}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _string(text: str) -> str:
    """Plain where nothing can be misread, else in double quotes."""
    if _PLAIN.fullmatch(text) and not _RESERVED.fullmatch(text) and not text.startswith("."):
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter == "\n":
        return "\\n"
    if letter == "\t":
        return "\\t"
    code = ord(letter)
    if 0xD800 <= code <= 0xDFFF:
        raise CodegenError(f"YAML cannot hold the lone surrogate U+{code:04X}")
    if letter.isprintable() and code < 0x7F:
        return letter
    if code <= 0xFF:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"
