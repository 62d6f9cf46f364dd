"""The tags of the language, ``!word[:import-spec][@name]``, taken apart.

What the arguments of each may look like is in :mod:`forgather.lang.arguments`. Only the words
themselves are tags; ``!dictionary`` is not ``!dict``.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from forgather.errors import GraphError, ImportSpecError, Span, YamlError, did_you_mean
from forgather.graph.nodes import CallableNode, FactoryNode, MetaNode, PartialNode, SingletonNode
from forgather.graph.specs import parse_spec
from forgather.lang import codes

CALLS: Final[dict[str, type[CallableNode]]] = {
    "singleton": SingletonNode,
    "call": SingletonNode,
    "factory": FactoryNode,
    "partial": PartialNode,
    "lambda": PartialNode,
    "meta": MetaNode,
}
CONTAINERS: Final = {
    "list": "named_list",
    "tuple": "named_tuple",
    "dict": "named_dict",
    "dlist": "named_list",
}
VAR: Final = "var"
WORDS: Final = (*CALLS, *CONTAINERS, VAR)

_TAG = re.compile(r"!(?P<word>\w+)(?P<colon>:(?P<spec>[^@]*))?(?:@(?P<name>.*))?", re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w.-]*")


class Tag(NamedTuple):
    """spec: of calls only; name: the explicit identity."""

    word: str
    spec: str
    name: str | None


def parse_tag(text: str, where: Span | None) -> Tag:
    """The parts of a tag; where: its place, for errors."""
    match = _TAG.fullmatch(text)
    word = match["word"] if match else re.split(r"[^\w]", text.lstrip("!"))[0]
    if match is None or word not in WORDS:
        raise YamlError(
            f"there is no tag {text!r}" if match is None else f"there is no tag '!{word}'",
            where=where,
            hint=did_you_mean(word, WORDS) if word else f"tags are !{', !'.join(WORDS)}",
            code=codes.UNKNOWN_TAG,
        )
    name, spec = match["name"], match["spec"] or ""
    if word == VAR and (match["colon"] or name is not None):
        raise YamlError(
            "!var takes neither a spec nor a @name",
            where=where,
            hint="write the variable's name after the tag: !var name",
            code=codes.UNKNOWN_TAG,
        )
    if name is not None and not _NAME.fullmatch(name):
        raise GraphError(
            f"malformed name {'@' + name!r} in tag {text!r}",
            where=where,
            hint="a name is one word of letters, digits, '_', '-' and '.'",
            code=codes.NODE_NAME,
        )
    if word in CALLS:
        _check_spec(text, spec, where)
    elif spec:
        raise GraphError(
            f"!{word} makes a container and calls nothing, so it takes no spec: {text!r}",
            where=where,
            hint=f"to call something write !call:{spec}; to give a name, !{word}:@name",
            code=codes.TAG_ARGUMENTS,
        )
    return Tag(word, spec, name)


def _check_spec(text: str, spec: str, where: Span | None) -> None:
    if not spec:
        raise GraphError(
            f"tag {text!r} does not say what to call",
            where=where,
            hint="write !call:module:symbol, or !call:name for a builtin",
            code=codes.NO_SPEC,
        )
    try:
        parse_spec(spec)
    except ImportSpecError as error:
        hint = error.hint
        if spec.endswith(","):
            hint = f"in a flow list write '!call:{spec.rstrip(',')} [],': without arguments the comma joins the tag"
        raise ImportSpecError(error.message, where=where, hint=hint) from error
