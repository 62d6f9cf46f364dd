"""List the variants of a config's sweep: the values, the id, and the command that makes each.

Nothing is built. Each variable is tried in one variant that has it: one that the config does not use
is an error, at the line of the sweep.
"""

from __future__ import annotations

import shlex
from argparse import Namespace
from typing import Any

from forgather.cli.context import Context
from forgather.cli.output import deliver, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.cli.tasks import config_id
from forgather.errors import ConfigError
from forgather.make.sweeps import variants
from forgather.make.sweeps.sweep import GIVEN, Sweep, sweep_of, unused_variable
from forgather.make.sweeps.values import text
from forgather.view.configs import config_meta

DYNAMIC = True
SUFFIXES = {"text": ".txt", "json": ".json", "md": ".md"}
# What a config of a class is for, by the beginning of its name.
KINDS = {
    "type.training_script": "train",
    "type.model": "model",
    "type.dataset": "dataset",
    "type.tokenizer": "tokenizer",
}


def configure(parser: Parser) -> None:
    add_format_option(parser, *SUFFIXES)
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    config = context.config()
    sweep = sweep_of(config.config, config.spans)
    if sweep is None:
        raise ConfigError(
            f"config {context.config_name!r} has no sweep",
            hint="add a target 'sweep' to it: docs/sweeps.md shows how",
            code="FG644",
        )
    _refuse_unused(context, sweep)
    name = config_id(context)
    kind = _kind(str(config_meta(config).get("config_class") or ""))
    rows = [_row(name, kind, values) for values in sweep.variants]
    everything = {"id": name, "all": _command(f"{kind}:{name}@*"), "variants": rows}
    shown = {"json": to_json, "text": _as_text, "md": _as_markdown}[args.format](everything)
    deliver(shown, args, name=f"{context.stem}_sweep", suffix=SUFFIXES[args.format])
    return 0


def _refuse_unused(context: Context, sweep: Sweep) -> None:
    from forgather.project import Project

    config = context.config()
    for variable, path in sweep.variables.items():
        values = next(values for values in sweep.variants if variable in values)
        loaded = Project(context.config_name, context.project_dir, **context.dynamic | values)
        used = {read.name for read in loaded.loaded.trace.reads if read.kind == "variable"} - GIVEN
        if variable not in used:
            raise unused_variable(context.config_name, variable, used, config.spans.get(path))


def _kind(config_class: str) -> str:
    return next((kind for start, kind in KINDS.items() if config_class.startswith(start)), "graph")


def _row(name: str, kind: str, values: dict[str, Any]) -> dict[str, Any]:
    variant = variants.join(name, values)
    return {"id": variant, "variables": values, "command": _command(f"{kind}:{variant}")}


def _command(task: str) -> str:
    return f"doit {shlex.quote(task)}"


def _as_text(everything: dict[str, Any]) -> str:
    names, table = _table(everything["variants"])
    widths = [max(map(len, column)) for column in zip(names, *table, strict=True)]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (names, *table)
    ]
    count = len(everything["variants"])
    return "\n".join([*lines, "", f"{count} variants; all of them: {everything['all']}"])


def _as_markdown(everything: dict[str, Any]) -> str:
    names, table = _table(everything["variants"], "`{}`")
    lines = [names, ["---"] * len(names), *table]
    return "\n".join("| " + " | ".join(row) + " |" for row in lines)


def _table(rows: list[dict[str, Any]], code: str = "{}") -> tuple[list[str], list[list[str]]]:
    """Heads and cells: a column for each variable, in the order of the block, and the command."""
    names = list(dict.fromkeys(name for row in rows for name in row["variables"]))
    table = [
        [
            *(text(row["variables"][name]) if name in row["variables"] else "" for name in names),
            code.format(row["command"]),
        ]
        for row in rows
    ]
    return [*names, "command"], table
