"""Summary statistics of a log. A key whose data is missing is absent."""

from __future__ import annotations

import math
from typing import Any

from forgather.ml.analysis.log import TrainingLog

FINAL_KEYS = (
    "train_runtime",
    "train_samples",
    "train_samples_per_second",
    "train_steps_per_second",
    "effective_batch_size",
    "tokens_per_second",
    "total_tokens",
)


def compute_summary_statistics(log: TrainingLog) -> dict[str, Any]:
    """Losses, gradient norms, learning rates and speed, with the steps where they were best.

    Averages and best values are of finite values; ``nonfinite_losses`` counts the others, where
    there are any. ``final_...`` is always the last one logged.
    """
    summary: dict[str, Any] = {}
    if log.run_name is not None:
        summary["run_name"] = log.run_name
    if log.path is not None:
        summary["log_path"] = str(log.path)
    return summary | _progress(log) | _losses(log) | _gradients(log) | _rates(log) | _final(log)


def _progress(log: TrainingLog) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if steps := [r["global_step"] for r in log.records if "global_step" in r]:
        found["total_steps"] = max(steps)
    if epochs := [r["epoch"] for r in log.records if r.get("epoch") is not None]:
        found["final_epoch"] = epochs[-1]
    return found


def _losses(log: TrainingLog) -> dict[str, Any]:
    found: dict[str, Any] = {}
    values = [float(r["loss"]) for r in log.get_training_records() if r["loss"] is not None]
    finite = [value for value in values if math.isfinite(value)]
    if values:
        found["final_loss"] = values[-1]
    if finite:
        found["avg_loss"] = math.fsum(finite) / len(finite)
        found["min_loss"] = min(finite)
    if len(finite) < len(values):
        found["nonfinite_losses"] = len(values) - len(finite)
    if (best := log.find_best_step("loss")) is not None:
        found["best_loss_step"], found["best_loss"] = best
    if evaluations := log.get_metric_values("eval_loss")[1]:
        found["final_eval_loss"] = evaluations[-1]
        found["final_eval_loss_step"] = int(log.get_metric_values("eval_loss")[0][-1])
    if (best := log.find_best_step("eval_loss")) is not None:
        found["best_eval_loss_step"], found["best_eval_loss"] = best
    return found


def _gradients(log: TrainingLog) -> dict[str, Any]:
    found: dict[str, Any] = {}
    finite = [norm for norm in log.get_metric_values("grad_norm")[1] if math.isfinite(norm)]
    if finite:
        found["avg_grad_norm"] = math.fsum(finite) / len(finite)
    if (worst := log.find_best_step("grad_norm", mode="max")) is not None:
        found["max_grad_norm_step"], found["max_grad_norm_value"] = worst
    return found


def _rates(log: TrainingLog) -> dict[str, Any]:
    rates = log.get_metric_values("learning_rate")[1]
    return {"initial_lr": rates[0], "final_lr": rates[-1]} if rates else {}


def _final(log: TrainingLog) -> dict[str, Any]:
    final = log.get_final_record() or {}
    return {key: final[key] for key in FINAL_KEYS if final.get(key) is not None}
