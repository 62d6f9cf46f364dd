"""From what the trainer was given to a :class:`Session`, in the order that matters:

seed, data, model, optimizer and schedule, state, checkpoint components, and then a checkpoint's
content. Nothing is trained here, and no file is written.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path
from typing import Any

import torch
from torch import nn

from forgather.errors import CheckpointError, DataError
from forgather.ml.checkpoint import BestCheckpoints, StateComponent
from forgather.ml.checkpoint.rng import RandomState, seed_all
from forgather.ml.trainer.args import TrainingArguments
from forgather.ml.trainer.events import EventBus
from forgather.ml.trainer.ingredients import Ingredients
from forgather.ml.trainer.loaders import make_train_loader
from forgather.ml.trainer.metrics import IntervalMetrics, SpeedMeter
from forgather.ml.trainer.modeling import make_model
from forgather.ml.trainer.objective import Objective, make_objective
from forgather.ml.trainer.precision import Precision
from forgather.ml.trainer.progress import TrainingProgress
from forgather.ml.trainer.session import Loader, Session
from forgather.ml.trainer.step import OptimizerStep
from forgather.ml.trainer.strategy import OneDevice
from forgather.runs.layout import list_checkpoints, new_run_directory

logger = logging.getLogger(__name__)


def prepare_training(
    args: TrainingArguments, strategy: OneDevice, bus: EventBus, given: Ingredients
) -> Session:
    if given.train_dataset is None:
        raise DataError("nothing to train on: train_dataset is not set")
    wants_evaluation = args.eval_strategy != "no" or args.eval_on_save
    if wants_evaluation and given.eval_dataset is None:
        raise DataError(
            f"eval_strategy is {args.eval_strategy!r}, but eval_dataset is not set",
            hint='set eval_strategy: "no", or give the trainer an eval_dataset',
        )
    if args.seed >= 0:
        seed_all(args.seed)
    loader = make_train_loader(args, given)
    model = make_model(args, strategy, given)
    precision = Precision(args.mixed_precision, strategy.device)
    _set_up_state(args, bus, loader)
    optimizer = given.recipe.make_optimizer(model, args)
    scheduler = given.recipe.make_scheduler(optimizer, args, bus.state.max_steps)
    return _assemble(args, strategy, bus, given, model, optimizer, scheduler, loader, precision)


def prepare_evaluation(
    args: TrainingArguments, strategy: OneDevice, bus: EventBus, given: Ingredients
) -> Objective:
    """Just what an evaluation needs: no optimizer, no training data."""
    model = make_model(args, strategy, given)
    path = args.resume_from_checkpoint
    coordinator = strategy.make_coordinator(output_dir=args.output_dir, state_components=[])
    if (found := coordinator.find_checkpoint(path)) is not None:
        coordinator.verify(found)
        coordinator.load_model(found, model)
    model = strategy.wrap_model(model)
    return make_objective(model, model, given.compute_loss_func, given.fused_loss_factory)


def _assemble(
    args: TrainingArguments,
    strategy: OneDevice,
    bus: EventBus,
    given: Ingredients,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: Any,
    loader: Loader,
    precision: Precision,
) -> Session:
    metrics = IntervalMetrics(strategy.device)
    best = BestCheckpoints(args.preserve_n_best, args.best_metric, args.best_is_greater)
    random = RandomState()
    parts = {
        "optimizer": optimizer,
        "scheduler": scheduler,
        "dataset": loader,
        "rng": random,
        "trainer": TrainingProgress(bus, metrics, best, precision, args.output_dir),
    }
    coordinator = strategy.make_coordinator(
        output_dir=args.output_dir,
        state_components=[
            StateComponent(key, part, strategy.patterns[key]) for key, part in parts.items()
        ],
        model=model,
        keep_last=args.save_total_limit,
        protected=lambda: [entry.name for entry in best.entries],
        use_safetensors=args.save_safetensors,
        training_args_hash=args.digest(),
        replace_others=args.overwrite_output_dir and not args.resume_from_checkpoint,
    )
    wrapped = strategy.wrap_model(model)
    step = OptimizerStep(
        model=model,
        optimizer=strategy.wrap_optimizer(optimizer),
        lr_scheduler=scheduler,
        objective=make_objective(wrapped, model, given.compute_loss_func, given.fused_loss_factory),
        precision=precision,
        strategy=strategy,
        bus=bus,
        max_grad_norm=args.max_grad_norm,
    )
    return Session(
        args=args,
        strategy=strategy,
        bus=bus,
        inner=model,
        step=step,
        optimizer=optimizer,
        lr_scheduler=scheduler,
        train_loader=loader,
        eval_dataset=given.eval_dataset,
        collator=given.data_collator,
        coordinator=coordinator,
        best=best,
        random=random,
        metrics=metrics,
        speed=SpeedMeter(args.speed_metrics_start_step),
    )


def resume(session: Session) -> Path | None:
    """Load the checkpoint that the arguments ask for; None where the training starts afresh."""
    args, coordinator = session.args, session.coordinator
    path = coordinator.find_checkpoint(args.resume_from_checkpoint)
    if path is None:
        if args.resume_from_checkpoint is not False and args.resume_from_checkpoint is not None:
            logger.warning("no checkpoint in %s: the training starts afresh", args.output_dir)
        _refuse_foreign_checkpoints(args)
        return None
    coordinator.verify(path)
    coordinator.load_model(path)
    coordinator.load_components(path)
    session.state.resumed_from = str(path)
    logger.info("resumed from %s at step %d", path, session.state.global_step)
    return path


def _refuse_foreign_checkpoints(args: TrainingArguments) -> None:
    """A fresh start among old checkpoints would mix two trainings: retention counts by step."""
    if args.save_strategy == "no" or args.overwrite_output_dir:
        return
    if found := list_checkpoints(args.output_dir):
        raise CheckpointError(
            f"{args.output_dir} holds checkpoints of an earlier training "
            f"({', '.join(path.name for _, path in found)})",
            hint="resume_from_checkpoint: True goes on from the latest; overwrite_output_dir: True "
            "replaces them once the first new checkpoint is safe; or choose another output_dir",
        )


def _set_up_state(args: TrainingArguments, bus: EventBus, loader: Loader) -> None:
    state = bus.state
    # A partial window at the end of an epoch is a step, too.
    state.steps_per_epoch = math.ceil(len(loader) / args.gradient_accumulation_steps)
    state.max_steps = math.ceil(args.num_train_epochs * state.steps_per_epoch)
    if args.max_steps >= 0:
        state.max_steps = args.max_steps
    state.num_train_epochs = math.ceil(state.max_steps / state.steps_per_epoch)
    state.train_batch_size = args.per_device_train_batch_size
    state.logging_steps = args.logging_steps
    state.eval_steps = args.eval_steps
    state.save_steps = args.save_steps
    state.logging_dir = args.logging_dir or str(new_run_directory(args.output_dir))
