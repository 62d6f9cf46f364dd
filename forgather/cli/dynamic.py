"""Options that a config defines: its target ``dynamic_args``, turned into options of a command.

Each entry is a mapping: ``names`` (an option string or a list of them, one of them ``--long``) and
what argparse takes. A value given on the command line becomes the template variable named after the
first long name. What is *not* given is not passed, flags included, so that the default that the
template itself states always applies. Nothing that the config names is imported or run.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from forgather.cli.output import note
from forgather.errors import ConfigError, ForgatherError, Span, UsageError, did_you_mean

if TYPE_CHECKING:
    from forgather.cli.context import Context
    from forgather.cli.parser import Parser

OPTION = re.compile(r"--?[A-Za-z][A-Za-z0-9_-]*")
# ``default`` is accepted and ignored: the default is what the template says.
SETTINGS = ("names", "type", "action", "choices", "help", "nargs", "const", "metavar", "required")
FLAGS = ("store_true", "store_false", "store_const", "append_const", "count")
ACTIONS = ("store", "append", "extend", *FLAGS)
TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")


def add_config_options(parser: Parser, context: Context, argv: Sequence[str]) -> None:
    """Add the options of the selected config to ``parser``.

    With ``--help`` a config that cannot be read costs only its own options, and a line says so.
    """
    context.take_options(_options_so_far(parser, argv))
    if context.no_dyn:
        return
    wants_help = any(token in ("-h", "--help") for token in argv)
    try:
        entries, spans = context.dynamic_definitions()
    except ForgatherError as error:
        if not wants_help:
            raise
        note(f"The options that the config defines are missing below: {error}\n")
        return
    group = parser.add_argument_group("options of this config") if entries else None
    for index, entry in enumerate(entries):
        _add(parser, group, entry, spans.get(index))


def _options_so_far(parser: Parser, argv: Sequence[str]) -> argparse.Namespace:
    """``-p``, ``-t`` and ``--no-dyn``, which decide what config the other options come from."""
    scan = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    wanted = {"project_dir", "config_template", "no_dyn"}
    for action in parser.options():
        if action.dest in wanted and action.option_strings:
            scan._add_action(action)
    try:
        return scan.parse_known_args(argv)[0]
    except argparse.ArgumentError:
        return argparse.Namespace()  # the full parser reports it with better words


def _add(parser: Parser, group, entry: Any, where: Span | None) -> None:
    names, settings = _checked(entry, where)
    long_name = next(name for name in names if name.startswith("--"))
    variable = long_name.removeprefix("--").replace("-", "_")
    if "type" in settings:
        settings["type"] = _converter(settings["type"], long_name, where)
    if settings.get("action") not in FLAGS:
        settings.setdefault("metavar", variable.upper())
    settings["help"] = str(settings.get("help", "")).replace("%", "%%")
    try:
        group.add_argument(
            *names, dest=f"dynamic:{variable}", default=argparse.SUPPRESS, **settings
        )
    except (argparse.ArgumentError, TypeError, ValueError) as error:
        raise ConfigError(
            f"dynamic argument {long_name!r}: {error}", where=where, code="FG150"
        ) from error
    parser.spans.update({name: where for name in names if where})


def _checked(entry: Any, where: Span | None) -> tuple[list[str], dict[str, Any]]:
    """The option strings and argparse keywords of one entry of ``dynamic_args``."""

    def wrong(message: str, hint: str | None = None) -> ConfigError:
        return ConfigError(f"dynamic_args: {message}", where=where, hint=hint, code="FG150")

    if not isinstance(entry, dict):
        raise wrong(f"expected a mapping with 'names', found {entry!r}")
    settings = {key: value for key, value in entry.items() if key not in ("names", "default")}
    for key in settings:
        if key not in SETTINGS:
            raise wrong(f"unknown setting {key!r}", did_you_mean(str(key), SETTINGS))
    names = entry.get("names")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names:
        raise wrong("'names' must be an option string or a list of them")
    for name in names:
        if not isinstance(name, str) or not OPTION.fullmatch(name):
            raise wrong(
                f"{name!r} is not an option name", "an option name looks like --learning-rate"
            )
    if not any(name.startswith("--") for name in names):
        raise wrong(f"{names[0]!r} has no long name", "add a name that starts with --")
    action = settings.get("action", "store")
    if action not in ACTIONS:
        raise wrong(f"unknown action {action!r}", did_you_mean(str(action), ACTIONS))
    if settings.get("type", "str") not in CONVERTERS:
        raise wrong(
            f"unknown type {settings['type']!r}", did_you_mean(str(settings["type"]), CONVERTERS)
        )
    return names, settings


def _converter(kind: str, option: str, where: Span | None) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            return CONVERTERS[kind](text)
        except ValueError:
            raise UsageError(
                f"{option} takes a value of type {kind}, not {text!r}",
                where=where,
                hint="this option is defined by the config, at the place shown",
                code="FG151",
            ) from None

    return convert


def _bool(text: str) -> bool:
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError(text)


CONVERTERS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": _bool,
    "path": os.path.expanduser,
}
