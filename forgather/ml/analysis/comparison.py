"""Runs side by side: the variables that tell them apart, and the losses they came to."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from forgather.errors import UsageError, did_you_mean
from forgather.ml.analysis.log import TrainingLog
from forgather.ml.analysis.summary import compute_summary_statistics
from forgather.runs.ledger import variables_of_run

Row = dict[str, Any]

# key of the summary -> head of the column, format in text
MEASURES = {
    "total_steps": ("steps", "d"),
    "final_loss": ("loss", ".4f"),
    "best_loss": ("best loss", ".4f"),
    "final_eval_loss": ("eval loss", ".4f"),
    "best_eval_loss": ("best eval", ".4f"),
    "best_eval_loss_step": ("at step", "d"),
    "train_runtime": ("seconds", ".1f"),
}
SORT = ("best_eval_loss", "best_loss")  # the first that any run has
NOT_ENDED = "not ended"  # a live or killed run: it has no final record


def compare_runs(logs: Iterable[TrainingLog]) -> list[Row]:
    """A row for each log: ``run``, ``variables``, the :data:`MEASURES` it has, and ``ended``."""
    rows = []
    for log in logs:
        summary = compute_summary_statistics(log)
        name = "/".join(filter(None, (log.model_name, log.run_name))) or str(log.path)
        rows.append(
            {
                "run": name,
                "variables": variables_of_run(log.path.parent) if log.path and log.run_name else {},
                **{key: summary[key] for key in MEASURES if key in summary},
                "ended": log.get_final_record() is not None,
            }
        )
    return rows


def variable_names(rows: Iterable[Row]) -> list[str]:
    """Every variable that any of the runs was given, by name."""
    return sorted({name for row in rows for name in row["variables"]})


def sort_rows(
    rows: Sequence[Row], key: str | None = None, *, descending: bool = False
) -> list[Row]:
    """Sorted by a measure or a variable; rows without it last. Raises UsageError for another name."""
    if key is None:
        key = next((name for name in SORT if any(name in row for row in rows)), SORT[0])
    known = [*MEASURES, *variable_names(rows), "run"]
    if key not in known:
        raise UsageError(f"there is no column {key!r}", hint=did_you_mean(key, known))
    with_value = [row for row in rows if _comparable(_value(row, key)) is not None]
    without = [row for row in rows if _comparable(_value(row, key)) is None]
    with_value.sort(key=lambda row: _comparable(_value(row, key)), reverse=descending)
    return [*with_value, *without]


def format_rows(rows: Sequence[Row], style: str = "text") -> str:
    """The rows in one ``style`` of :data:`STYLES`; without a final newline."""
    if style not in STYLES:
        raise UsageError(f"unknown format {style!r}", hint=did_you_mean(style, STYLES))
    return STYLES[style](rows)


def _value(row: Row, key: str) -> Any:
    return row["variables"].get(key) if key in row["variables"] else row.get(key)


def _comparable(value: Any) -> tuple[int, Any] | None:
    """Numbers go before texts; what is not there, or no number, has no place."""
    if isinstance(value, int | float):
        return None if math.isnan(value) else (0, value)
    return None if value is None else (1, _text(value))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shown(row: Row, key: str) -> str:
    if key not in row:
        return NOT_ENDED if key == "train_runtime" and not row["ended"] else ""
    value, form = row[key], MEASURES[key][1]
    return format(int(value) if form == "d" else float(value), form)


def _table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    names = variable_names(rows)
    measures = [
        key
        for key in MEASURES
        if any(key in row for row in rows) or (key == "train_runtime" and rows)
    ]
    heads = [*names, *(MEASURES[key][0] for key in measures), "run"]
    cells = [
        [
            *(_text(row["variables"][name]) if name in row["variables"] else "" for name in names),
            *(_shown(row, key) for key in measures),
            row["run"],
        ]
        for row in rows
    ]
    return heads, cells


def _as_text(rows: Sequence[Row]) -> str:
    heads, cells = _table(rows)
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = []
    for line in (heads, *cells):
        padded = [f"{cell:>{width}}" for cell, width in zip(line[:-1], widths, strict=False)]
        lines.append("  ".join([*padded, line[-1]]))
    return "\n".join(lines)


def _as_markdown(rows: Sequence[Row]) -> str:
    heads, cells = _table(rows)
    lines = [heads, [*["---:"] * (len(heads) - 1), "---"], *cells]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _as_csv(rows: Sequence[Row]) -> str:
    """All measures in full, under the names that they have in JSON."""
    names = variable_names(rows)
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([*names, *MEASURES, "ended", "run"])
    for row in rows:
        given = (_text(row["variables"][n]) if n in row["variables"] else "" for n in names)
        writer.writerow(
            [*given, *(row.get(key, "") for key in MEASURES), _text(row["ended"]), row["run"]]
        )
    return output.getvalue().rstrip("\n")


def _as_json(rows: Sequence[Row]) -> str:
    return json.dumps([_finite(row) for row in rows], indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    """JSON has no NaN: such a value is null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


STYLES = {"text": _as_text, "md": _as_markdown, "csv": _as_csv, "json": _as_json}
