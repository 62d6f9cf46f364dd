"""Compare two configs as graphs: what would be built differently, not which lines differ.

A and B are configs of the project. ``REV:CONFIG`` is a config as it was at a git revision; an empty
CONFIG is the selected one, so ``forgather diff HEAD: ""`` shows what the work in progress changes.
Templates outside the repository are read as they are now. Exit code 0 also when there are
differences; with ``--exit-code`` it is 1 then.
"""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forgather.cli.context import Context
from forgather.cli.output import deliver, paint, to_json
from forgather.cli.parser import Parser, add_format_option, add_output_options
from forgather.errors import Span
from forgather.graph.compare import Change, compare
from forgather.view.configs import environment_of, load, place
from forgather.view.revision import at_revision

if TYPE_CHECKING:
    from forgather.config import Config
    from forgather.meta_config import MetaConfig

MARKS = {
    "added": ("+", "green"),
    "removed": ("-", "red"),
    "changed": ("~", "yellow"),
    "sharing": ("&", "cyan"),
}


@dataclass(frozen=True)
class Side:
    """One of the two configs, loaded."""

    label: str
    root: Any
    spans: dict[str, Span]


def configure(parser: Parser) -> None:
    parser.add_argument("a", metavar="A", help="the old config: CONFIG or REV:CONFIG")
    parser.add_argument("b", metavar="B", nargs="?", default="", help="the new one (default: -t)")
    parser.add_argument(
        "--exit-code", action="store_true", help="exit with 1 where the configs differ"
    )
    add_format_option(parser, "text", "json")
    add_output_options(parser)


def run(context: Context, args: Namespace) -> int:
    with ExitStack() as stack:
        old, new = (_side(context, text, stack) for text in (args.a, args.b))
        changes = compare(old.root, new.root, old.spans, new.spans)
        if args.format == "json":
            data = {"old": old.label, "new": new.label, "changes": list(map(_to_json, changes))}
            deliver(to_json(data), args, name="diff", suffix=".json")
        else:
            deliver(_text(old, new, changes), args, name="diff", suffix=".txt")
    return int(args.exit_code and bool(changes))


def _side(context: Context, text: str, stack: ExitStack) -> Side:
    from forgather.meta_config import MetaConfig

    revision, colon, name = text.rpartition(":")
    if not colon:
        config = _load(MetaConfig(context.project_dir), name, context)
        return Side(name or context.config_name, config.config, config.spans)
    checkout = stack.enter_context(at_revision(context.project_dir, revision))
    with checkout.renamed_errors():
        config = _load(MetaConfig(checkout.project_dir), name, context)
    return Side(text, checkout.rename(config.config), checkout.rename_spans(config.spans))


def _load(meta: MetaConfig, name: str, context: Context) -> Config:
    name = name or context.config_template or meta.default_config()
    return load(meta, environment_of(meta, frozen=True), name)


def _to_json(change: Change) -> dict[str, Any]:
    def span(value: Span | None) -> dict[str, Any] | None:
        return {"file": value.path or value.template, "line": value.line} if value else None

    return {
        "kind": change.kind,
        "path": change.path,
        "also": list(change.also),
        "old": change.old,
        "new": change.new,
        "old_span": span(change.old_span),
        "new_span": span(change.new_span),
    }


def _text(old: Side, new: Side, changes: list[Change]) -> str:
    lines = [f"--- {old.label}", f"+++ {new.label}"]
    if not changes:
        lines.append("no differences: the two describe the same graph")
    for change in changes:
        mark, colour = MARKS[change.kind]
        lines.append(paint(f"{mark} {change.path or 'the whole config'}", colour))
        if change.old is not None:
            lines.append(_value("-", change.old, change.old_span))
        if change.new is not None:
            lines.append(_value("+", change.new, change.new_span))
        if change.also:
            lines.append(f"    also: {', '.join(change.also)}")
    return "\n".join(lines)


def _value(mark: str, text: str, span: Span | None) -> str:
    return f"    {mark} {text}" + (f"    ({place(span)})" if span else "")
