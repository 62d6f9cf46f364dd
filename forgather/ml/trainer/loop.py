"""The training loop: epochs, windows of micro-batches, and what is due between two steps.

Between two steps the order is: log, evaluate, save. Every decision hangs on the global step and on
the loader's position, both of which are in the checkpoint, so a resumed loop takes the same ones.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import time
from collections.abc import Iterator
from typing import Any

from forgather.errors import DataError, Interrupted
from forgather.ml.trainer.cadence import evaluation_cadence, logging_cadence, saving_cadence
from forgather.ml.trainer.evaluate import evaluation_loss
from forgather.ml.trainer.interrupt import InterruptGuard
from forgather.ml.trainer.loaders import make_eval_loader
from forgather.ml.trainer.objective import Batch
from forgather.ml.trainer.saving import save_training
from forgather.ml.trainer.session import Session
from forgather.ml.trainer.settings import GarbageControl, release_device_memory

logger = logging.getLogger(__name__)

_MEMORY_CHECK_STEPS = 10


class TrainingLoop:
    """resume_command: what an interrupted user may type to go on."""

    def __init__(self, session: Session, resume_command: str | None = None) -> None:
        self.session = session
        self.resume_command = resume_command
        self._log_due = logging_cadence(session.args)
        self._evaluation_due = evaluation_cadence(session.args)
        self._saving_due = saving_cadence(session.args)
        self._last_saved = session.state.global_step if session.state.resumed_from else -1
        self._interrupt = InterruptGuard()
        self._garbage = GarbageControl()

    def run(self) -> dict[str, float]:
        """Train to the end; the final metrics."""
        bus = self.session.bus
        with self._interrupt, self._garbage, contextlib.closing(bus):
            bus.emit("on_train_begin")
            self.session.speed.take()
            while self._has_more():
                self._epoch()
            # Where nothing was left to train, no epoch did it.
            self.session.random.apply()
            metrics = self._finish()
        return metrics

    def _has_more(self) -> bool:
        """Steps to do, or an epoch to close: a checkpoint may lie between its last step and that."""
        state, loader = self.session.state, self.session.train_loader
        if self.session.bus.control.should_training_stop:
            return False
        return state.global_step < state.max_steps or loader.progress >= 1.0

    def _epoch(self) -> None:
        session, bus, loader = self.session, self.session.bus, self.session.train_loader
        if session.args.set_dataset_epoch and hasattr(loader.dataset, "set_epoch"):
            loader.dataset.set_epoch(loader.epoch)
        bus.emit("on_epoch_begin")
        # Last thing before the first batch: what was drawn while getting ready does not count.
        session.random.apply()
        for window in self._windows():
            self._one_step(window)
            if not self._may_go_on():
                break
        else:
            self._end_epoch()
            return
        if bus.control.should_epoch_stop or loader.progress >= 1.0:
            self._end_epoch()

    def _windows(self) -> Iterator[list[Batch]]:
        """Lists of micro-batches; the last one of an epoch may be shorter, and is a step too."""
        batches = iter(self.session.train_loader)
        size = self.session.args.gradient_accumulation_steps
        while window := list(itertools.islice(batches, size)):
            yield window

    def _one_step(self, window: list[Batch]) -> None:
        session, bus, state = self.session, self.session.bus, self.session.state
        if bus.heard("on_step_begin"):
            bus.emit("on_step_begin")
        result = session.step.run(window)
        state.global_step += 1
        state.num_input_tokens_seen += result.tokens
        state.total_flos += result.operations
        state.samples_seen += result.samples
        loader = session.train_loader
        state.epoch = loader.epoch + loader.progress
        session.metrics.add(result.loss, result.grad_norm, result.tokens)
        session.speed.count(result.tokens, result.operations, result.samples)
        if bus.heard("on_train_metrics"):
            bus.emit(
                "on_train_metrics",
                loss=result.loss,
                grad_norm=result.grad_norm,
                tokens=result.tokens,
            )
        if bus.heard("on_step_end"):
            bus.emit("on_step_end")
        self._between_steps()
        if state.global_step % self._garbage.every == 0:
            self._garbage.collect()
        if state.global_step % _MEMORY_CHECK_STEPS == 0:
            release_device_memory(session.strategy.device, session.args.gc_threshold)

    def _may_go_on(self) -> bool:
        control, state = self.session.bus.control, self.session.state
        if state.global_step >= state.max_steps:
            control.should_training_stop = True
        return not (
            control.should_training_stop
            or control.should_epoch_stop
            or control.should_abort_without_save
        )

    def _between_steps(self) -> None:
        control, step = self.session.bus.control, self.session.state.global_step
        self._act(
            log=control.should_log or self._log_due.at_step(step),
            evaluate=control.should_evaluate or self._evaluation_due.at_step(step),
            save=control.should_save or self._saving_due.at_step(step),
        )
        if self.session.bus.control.should_abort_without_save:
            self.session.bus.control.should_training_stop = True
        if self.session.strategy.agree(self._interrupt.requested is not None):
            self._stop_for_signal()

    def _end_epoch(self) -> None:
        bus, state = self.session.bus, self.session.state
        bus.emit("on_epoch_end")
        bus.control.should_epoch_stop = False
        # The page is turned before a checkpoint is written, or a resume would end it once more.
        self.session.train_loader.next_epoch()
        step = state.global_step
        self._act(
            log=bus.control.should_log or self._log_due.at_epoch_end(step),
            evaluate=bus.control.should_evaluate or self._evaluation_due.at_epoch_end(step),
            save=bus.control.should_save or self._saving_due.at_epoch_end(step),
        )

    def _act(self, *, log: bool, evaluate: bool, save: bool) -> None:
        if not (log or evaluate or save):
            return
        control = self.session.bus.control
        control.should_log = control.should_evaluate = control.should_save = False
        if log:
            self.log_interval()
        metrics = None
        if evaluate or (save and self.session.args.eval_on_save):
            metrics = self.evaluate()
        if save:
            self._save(metrics)

    def log_interval(self) -> None:
        """One record of what happened since the last one."""
        session, bus, state = self.session, self.session.bus, self.session.state
        if not session.metrics:
            return
        record: dict[str, Any] = {
            **session.metrics.take(),
            "total_tokens": state.num_input_tokens_seen,
            "total_flos": state.total_flos,
            "learning_rate": float(session.lr_scheduler.get_last_lr()[0]),
        }
        with session.speed.paused():
            speed = session.speed.take()
            bus.emit("on_log_step", logs=record, speed=speed)
            self.log(record, speed=speed)

    def log(self, values: dict[str, Any], **details: Any) -> None:
        state = self.session.state
        record = {
            "timestamp": time.time(),
            "global_step": state.global_step,
            "epoch": state.epoch,
            **values,
        }
        state.log_history.append(record)
        self.session.bus.emit("on_log", logs=record, **details)

    def evaluate(self, dataset: Any = None) -> dict[str, float]:
        session = self.session
        dataset = dataset if dataset is not None else session.eval_dataset
        if dataset is None:
            raise DataError(
                "an evaluation is due, but eval_dataset is not set",
                hint='set eval_strategy: "no", or give the trainer an eval_dataset',
            )
        with session.speed.paused():
            loader = make_eval_loader(session.args, dataset, session.collator)
            loss = evaluation_loss(session.evaluator, loader, session.args.max_eval_steps)
            metrics = {"eval_loss": loss}
            self.log(dict(metrics))
            session.bus.emit("on_evaluate", metrics=metrics)
        return metrics

    def _save(self, metrics: dict[str, float] | None) -> None:
        save_training(self.session, metrics)
        self._last_saved = self.session.state.global_step

    def _stop_for_signal(self) -> None:
        """Nothing is logged here: the checkpoint holds the open interval, and a resume closes it."""
        session, step = self.session, self.session.state.global_step
        name = self._interrupt.requested.name if self._interrupt.requested else "a signal"
        if session.args.save_strategy == "no":
            session.bus.emit("on_train_end")
            raise Interrupted(
                f"stopped by {name} at step {step}; nothing is saved, save_strategy is 'no'"
            )
        if self._last_saved != step:
            self._save(None)
        session.bus.emit("on_train_end")
        way = self.resume_command or "start the training again with resume_from_checkpoint: True"
        raise Interrupted(
            f"stopped by {name} at step {step}; it is saved in {session.args.output_dir}",
            hint=f"to go on: {way}",
        )

    def _finish(self) -> dict[str, float]:
        session, bus, state = self.session, self.session.bus, self.session.state
        if not bus.control.should_abort_without_save:
            self._final_save()
        # After the save: the checkpoint keeps the open interval, so that a training which goes on
        # from it to more steps has the records of one that never stopped here.
        if session.args.logging_strategy != "no":
            self.log_interval()
        if session.args.load_best_model_at_end and session.best.best is not None:
            load_best(session)
        metrics = {
            **session.speed.whole(),
            "train_samples": state.samples_seen,
            "step": state.global_step,
            "effective_batch_size": session.args.per_device_train_batch_size
            * session.args.gradient_accumulation_steps
            * session.strategy.world_size,
            "total_tokens": state.num_input_tokens_seen,
            "total_flops": state.total_flos,
        }
        self.log(metrics)
        bus.emit("on_train_end")
        return metrics

    def _final_save(self) -> None:
        session = self.session
        if session.args.save_strategy == "no" or self._last_saved == session.state.global_step:
            return
        wants_metrics = session.args.eval_on_save or session.args.keeps_best
        metrics = self.evaluate() if wants_metrics and session.eval_dataset is not None else None
        self._save(metrics)


def load_best(session: Session) -> None:
    """Put the weights of the best checkpoint into the model."""
    best = session.best.best
    assert best is not None
    path = session.coordinator.output_dir / best.name
    session.coordinator.verify(path)
    session.coordinator.load_model(path)
    logger.info("loaded the best model: %s (%s %.6g)", path, session.best.metric, best.metric)
