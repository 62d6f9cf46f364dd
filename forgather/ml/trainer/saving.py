"""Saving a training: the best list first, then the checkpoint that holds it."""

from __future__ import annotations

from pathlib import Path

from forgather.ml.trainer.session import Session
from forgather.runs.layout import checkpoint_path


def save_training(
    session: Session, metrics: dict[str, float] | None = None, path: str | Path | None = None
) -> Path:
    """Write a checkpoint of this very moment between two steps.

    metrics: of an evaluation at this step; without, the checkpoint cannot be among the best.
    """
    state = session.state
    step = state.global_step
    if path is None and metrics is not None and session.args.keeps_best:
        _offer(session, metrics)
    with session.speed.paused():
        saved = session.coordinator.save_checkpoint(step, path)
        session.bus.emit("on_save")
    return saved


def _offer(session: Session, metrics: dict[str, float]) -> None:
    best, state = session.best, session.state
    value = best.value(metrics)
    if value is None:
        return
    name = checkpoint_path(session.args.output_dir, state.global_step).name
    best.offer(name, value, state.global_step)
    if best.best is not None:
        state.best_metric = best.best.metric
        state.best_model_checkpoint = str(Path(session.args.output_dir) / best.best.name)
