"""Summaries as text: for a terminal, for Markdown, one line for each run, or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from forgather.errors import UsageError, did_you_mean

Summary = Mapping[str, Any]

TITLE = "Training Run Summary"
WIDTH = 60
# section -> rows of (label, key of the value, its format, key of the step)
SECTIONS: dict[str, tuple[tuple[str, str, str, str | None], ...]] = {
    "Metrics": (
        ("Final Loss", "final_loss", ".4f", None),
        ("Average Loss", "avg_loss", ".4f", None),
        ("Best Loss", "best_loss", ".4f", "best_loss_step"),
        ("Final Eval Loss", "final_eval_loss", ".4f", "final_eval_loss_step"),
        ("Best Eval Loss", "best_eval_loss", ".4f", "best_eval_loss_step"),
        ("Losses not finite", "nonfinite_losses", "d", None),
    ),
    "Training Speed": (
        ("Samples", "train_samples", ",d", None),
        ("Tokens", "total_tokens", ",d", None),
        ("Samples/second", "train_samples_per_second", ",.2f", None),
        ("Steps/second", "train_steps_per_second", ",.3f", None),
        ("Tokens/second", "tokens_per_second", ",.0f", None),
        ("Effective Batch Size", "effective_batch_size", "d", None),
    ),
    "Gradient Statistics": (
        ("Average Norm", "avg_grad_norm", ".4f", None),
        ("Highest Norm", "max_grad_norm_value", ".4f", "max_grad_norm_step"),
    ),
    "Learning Rate": (
        ("Initial", "initial_lr", ".3g", None),
        ("Final", "final_lr", ".3g", None),
    ),
}


def format_summary(summary: Summary, style: str = "text") -> str:
    return format_summaries([summary], style)


def format_summaries(summaries: Sequence[Summary], style: str = "text") -> str:
    """One or several summaries in one ``style`` of :data:`FORMATS`; without a final newline."""
    if style not in FORMATS:
        raise UsageError(f"unknown format {style!r}", hint=did_you_mean(style, FORMATS))
    return FORMATS[style](summaries)


def _text(summary: Summary) -> str:
    lines = [TITLE, "=" * WIDTH, *_head(summary, "{}: {}")]
    for section, rows in _filled(summary):
        lines += ["", f"{section}:"]
        lines += [
            f"  {label + ':':<22}{value:>14}" + (f"  (step {step})" if step else "")
            for label, value, step in rows
        ]
    return "\n".join(lines)


def _markdown(summary: Summary) -> str:
    lines = [f"# {TITLE}", "", *_head(summary, "**{}:** {}  ")]
    for section, rows in _filled(summary):
        lines += ["", f"## {section}", "", "| Metric | Value | Step |", "|---|---:|---:|"]
        lines += [f"| {label} | {value} | {step} |" for label, value, step in rows]
    return "\n".join(lines)


def _head(summary: Summary, form: str) -> list[str]:
    fields = {
        "Run": summary.get("run_name") or summary.get("log_path") or "(no name)",
        "Duration": _formatted(summary, "train_runtime", ".2f", suffix="s"),
        "Total Steps": _formatted(summary, "total_steps", "d"),
        "Final Epoch": _formatted(summary, "final_epoch", ".4f"),
    }
    return [form.format(name, value) for name, value in fields.items() if value]


def _filled(summary: Summary) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Sections with the rows that have data: (label, value, step or "")."""
    found = []
    for section, rows in SECTIONS.items():
        shown = [
            (label, _formatted(summary, key, form), str(summary.get(step_key, "")))
            for label, key, form, step_key in rows
            if key in summary
        ]
        if shown:
            found.append((section, shown))
    return found


def _formatted(summary: Summary, key: str, form: str, suffix: str = "") -> str:
    value = summary.get(key)
    if value is None:
        return ""
    return format(int(value) if form.endswith("d") else float(value), form) + suffix


def _one_line(summary: Summary) -> str:
    name = str(summary.get("run_name") or summary.get("log_path") or "(no name)")
    parts = [f"{name[:30]:<32}", f"steps={summary.get('total_steps', '?')}"]
    if "train_runtime" in summary:
        parts.append(f"time={_clock(summary['train_runtime'])}")
    if "final_loss" in summary:
        parts.append(f"loss={summary['final_loss']:.4f}")
    if "best_eval_loss" in summary:
        parts.append(f"eval={summary['best_eval_loss']:.4f}(best)")
    if "train_samples_per_second" in summary:
        parts.append(f"samp/s={summary['train_samples_per_second']:.1f}")
    return " | ".join(parts)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def _table(summaries: Sequence[Summary]) -> str:
    """One line for each run; several get a header."""
    lines = [_one_line(summary) for summary in summaries]
    if len(lines) > 1:
        header = f"{'run':<32} | summary"
        lines = [header, "-" * max(map(len, lines)), *lines]
    return "\n".join(lines)


def _json(summaries: Sequence[Summary]) -> str:
    """An object for one run, an array for several. JSON has no NaN: such a value is null."""
    cleaned = [{key: _finite(value) for key, value in s.items()} for s in summaries]
    return json.dumps(cleaned[0] if len(cleaned) == 1 else cleaned, indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


FORMATS = {
    "text": lambda summaries: "\n\n".join(map(_text, summaries)),
    "md": lambda summaries: "\n\n".join(map(_markdown, summaries)),
    "one-line": _table,
    "json": _json,
}
