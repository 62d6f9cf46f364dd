"""A training log as data: records of training, of evaluation, and the final one.

Records are what the trainer logged (see :mod:`forgather.runs.records`): ``loss`` makes a training
record, ``eval_loss`` an evaluation, ``train_runtime`` the final record. Nothing is computed here but
series and best values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forgather.errors import RunError
from forgather.runs.layout import LOG_FILE, RUNS_DIRECTORY
from forgather.runs.records import read_records

Record = dict[str, Any]
Series = tuple[list[float], list[float]]

MINUTE = 60.0


@dataclass(frozen=True)
class TrainingLog:
    """The records of one run, in order.

    run_name: the run's directory; model_name: the model it belongs to; None for a log elsewhere.
    """

    records: tuple[Record, ...]
    path: Path | None = None
    run_name: str | None = None
    model_name: str | None = None

    @classmethod
    def from_file(cls, path: str | Path) -> TrainingLog:
        """Read ``trainer_logs.json``, or the one in a run directory."""
        path = Path(path)
        if path.is_dir():
            path = path / LOG_FILE
        if not path.is_file():
            raise RunError(
                f"no training log: {path}",
                hint=f"give a {LOG_FILE} or the run directory that holds it; "
                "`forgather logs list` shows what there is",
            )
        run_name, model_name = _names(path)
        return cls(tuple(read_records(path)), path, run_name, model_name)

    @classmethod
    def from_run_dir(cls, run_dir: str | Path) -> TrainingLog:
        return cls.from_file(Path(run_dir) / LOG_FILE)

    @property
    def label(self) -> str | None:
        """What to call the run in a legend."""
        return self.model_name or self.run_name or (self.path.stem if self.path else None)

    def get_training_records(self) -> list[Record]:
        return [r for r in self.records if "loss" in r and "eval_loss" not in r]

    def get_eval_records(self) -> list[Record]:
        return [r for r in self.records if "eval_loss" in r]

    def get_final_record(self) -> Record | None:
        """The record that ends a training; None while it lives, and after a kill."""
        return next((r for r in reversed(self.records) if "train_runtime" in r), None)

    def get_metric_values(self, metric: str, x_axis: str = "step") -> Series:
        """``(x, values)`` of every record that has ``metric`` as a number.

        x_axis: "step", "epoch", or "time": minutes since the first record of the log, of whatever
        kind, so that curves of training and evaluation lie on one clock.
        """
        if x_axis not in _POSITION:
            raise RunError(f"unknown x axis {x_axis!r}", hint=f"known: {', '.join(_POSITION)}")
        xs, values = [], []
        for record in self.records:
            value, x = record.get(metric), _POSITION[x_axis](self, record)
            if x is not None and _is_number(value):
                xs.append(float(x))
                values.append(float(value))
        return xs, values

    def find_best_step(self, metric: str, mode: str = "min") -> tuple[int, float] | None:
        """``(step, value)`` of the lowest ("min") or highest ("max") finite value; None without one."""
        if mode not in ("min", "max"):
            raise RunError(f"unknown mode {mode!r}", hint='known: "min", "max"')
        steps, values = self.get_metric_values(metric)
        finite = [(v, s) for s, v in zip(steps, values, strict=True) if math.isfinite(v)]
        if not finite:
            return None
        best = (min if mode == "min" else max)(value for value, _ in finite)
        return next((int(step), value) for value, step in finite if value == best)

    @property
    def started(self) -> float | None:
        """The time of the first record that has one."""
        times = (r["timestamp"] for r in self.records if _is_number(r.get("timestamp")))
        return next(times, None)

    def _minutes(self, record: Record) -> float | None:
        time = record.get("timestamp")
        if self.started is None or not _is_number(time):
            return None
        return (time - self.started) / MINUTE


_POSITION = {
    "step": lambda log, record: record.get("global_step", record.get("step")),
    "epoch": lambda log, record: record.get("epoch"),
    "time": TrainingLog._minutes,
}
X_AXES = tuple(_POSITION)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(path: Path) -> tuple[str | None, str | None]:
    """Run and model of ``.../<model>/runs/<run>/trainer_logs.json``."""
    parents = path.absolute().parents
    if len(parents) > 2 and parents[1].name == RUNS_DIRECTORY:
        return parents[0].name, parents[2].name
    return None, None
