"""The filters Forgather adds to Jinja's: ``toyaml``, and ``trim`` and ``indent`` that keep origins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml
from jinja2 import Undefined

from forgather.errors import TemplateError
from forgather.lang import codes, mapped
from forgather.lang.limits import Limits
from forgather.lang.scalars import STR, implicit_tag

_LINE_END = re.compile("[\\n\\r\\x85\\u2028\\u2029]")
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")


class _Dumper(yaml.SafeDumper):
    """Flow style on one line, however deep the text is inserted."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_str(dumper: Any, data: str) -> yaml.ScalarNode:
    # A plain or quoted string with a line end would be folded over several lines.
    style = '"' if _LINE_END.search(data) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style=style)


def _represent_mapping(dumper: Any, data: Mapping[Any, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", list(data.items()))


_Dumper.add_representer(str, _represent_str)
_Dumper.add_multi_representer(str, _represent_str)
_Dumper.add_multi_representer(Mapping, _represent_mapping)
_Dumper.add_representer(dict, _represent_mapping)


def toyaml(value: Any, *default: Any) -> str:
    """The value as YAML on one line; the default, if there is one, where it is undefined."""
    if isinstance(value, Undefined):
        if not default:
            return str(value)  # raises: the undefined variable is the mistake
        value = default[0]
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, str) and _PLAIN.fullmatch(value) and implicit_tag(value) == STR:
        return value  # the usual case, without the cost of a dump
    return dump(value)


def dump(value: Any) -> str:
    """The value in flow style, on one line."""
    Limits().spend_value(value, cost=20)
    try:
        text = yaml.dump(
            value,
            Dumper=_Dumper,
            default_flow_style=True,
            width=2**30,
            allow_unicode=True,
            sort_keys=False,
        )
    except (yaml.YAMLError, TypeError, RecursionError) as error:
        raise TemplateError(
            f"toyaml cannot write a value of type {type(value).__name__!r}",
            hint="use strings, numbers, booleans, None, lists and mappings",
            code=codes.NOT_DUMPABLE,
        ) from error
    return text.removesuffix("\n").removesuffix("\n...")


FILTERS = {"toyaml": toyaml, "trim": mapped.trim, "indent": mapped.indent}
