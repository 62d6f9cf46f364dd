"""The trainer's face: stores what it is given, and wires it together when asked to train.

There is no algorithm here. The loop is in ``loop``, a step in ``step``, getting ready in ``prepare``,
and how a training is spread over processes in a strategy object.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from forgather.errors import CheckpointError, DataError, RunError
from forgather.ml.checkpoint import StateComponent
from forgather.ml.distributed import DistributedEnvironment
from forgather.ml.trainer.args import TrainingArguments
from forgather.ml.trainer.evaluate import Evaluator, evaluation_loss
from forgather.ml.trainer.events import EventBus
from forgather.ml.trainer.ingredients import Ingredients
from forgather.ml.trainer.loaders import make_eval_loader
from forgather.ml.trainer.loop import TrainingLoop, load_best
from forgather.ml.trainer.modeling import compile_model
from forgather.ml.trainer.optimizers import OptimizerRecipe
from forgather.ml.trainer.precision import Precision
from forgather.ml.trainer.prepare import prepare_evaluation, prepare_training, resume
from forgather.ml.trainer.saving import save_training
from forgather.ml.trainer.session import Session
from forgather.ml.trainer.settings import process_settings
from forgather.ml.trainer.state import TrainerControl, TrainerState, TrainOutput
from forgather.ml.trainer.strategy import OneDevice


class BaseTrainer:
    """What all trainers share. A subclass names its arguments and its strategy, and no more."""

    args_class: type[TrainingArguments] = TrainingArguments
    strategy_class: type[OneDevice] = OneDevice

    def __init__(
        self,
        *,
        args: TrainingArguments | Mapping[str, Any] | None = None,
        model: nn.Module | None = None,
        model_init: Callable[[], nn.Module] | None = None,
        data_collator: Any = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        processing_class: Any = None,
        callbacks: Iterable[Any] | None = None,
        compute_loss_func: Callable[..., torch.Tensor] | None = None,
        fused_loss_factory: Callable[..., Any] | None = None,
        optimizer_factory: Callable[..., torch.optim.Optimizer] | None = None,
        optimizer_cls_and_kwargs: tuple[Any, dict[str, Any]] | None = None,
        lr_scheduler_factory: Callable[..., Any] | None = None,
        enable_activation_checkpoint_fn: Callable[[nn.Module], Any] | None = None,
        distributed_env: DistributedEnvironment | None = None,
        resume_command: str | None = None,
    ) -> None:
        if (model is None) == (model_init is None):
            raise RunError("a trainer needs exactly one of model and model_init")
        self.args = self._arguments(args)
        self.processing_class = processing_class
        self.distributed_env = distributed_env
        self.resume_command = resume_command
        self.bus = EventBus(_default_callbacks() if callbacks is None else callbacks, self.args)
        self.given = Ingredients(
            model=model,
            model_init=model_init,
            train_dataset=train_dataset,
            eval_dataset=eval_dataset,
            data_collator=data_collator,
            compute_loss_func=compute_loss_func,
            fused_loss_factory=fused_loss_factory,
            enable_activation_checkpoint_fn=enable_activation_checkpoint_fn,
            recipe=OptimizerRecipe(
                optimizer_factory, optimizer_cls_and_kwargs, lr_scheduler_factory
            ),
        )
        self._session: Session | None = None
        self._loop: TrainingLoop | None = None

    def train(self) -> TrainOutput:
        with process_settings(self.args):
            session = self._prepared()
            resume(session)
            compile_model(self.args, session.inner)
            with _no_generation_cache(session.inner):
                self._loop = TrainingLoop(session, self.resume_command)
                self.bus.emit("on_init_end")
                metrics = self._loop.run()
        return TrainOutput(self.state.global_step, session.metrics.mean_loss(), metrics)

    def evaluate(self, eval_dataset: Any = None) -> dict[str, float]:
        """Loss on the held-out data, with the model as it is now (after a training: as trained)."""
        dataset = eval_dataset if eval_dataset is not None else self.given.eval_dataset
        if dataset is None:
            raise DataError("nothing to evaluate on: eval_dataset is not set")
        with process_settings(self.args):
            if self._session is not None:
                with _no_generation_cache(self._session.inner):
                    return (self._loop or TrainingLoop(self._session)).evaluate(dataset)
            return self._evaluate_alone(dataset)

    def _evaluate_alone(self, dataset: Any) -> dict[str, float]:
        strategy = self.strategy_class(self.args, self.distributed_env)
        objective = prepare_evaluation(self.args, strategy, self.bus, self.given)
        precision = Precision(self.args.mixed_precision, strategy.device)
        loader = make_eval_loader(self.args, dataset, self.given.data_collator)
        with _no_generation_cache(objective.model):
            evaluator = Evaluator(objective, precision, strategy, self.bus)
            loss = evaluation_loss(evaluator, loader, self.args.max_eval_steps)
        metrics = {"eval_loss": loss}
        self.bus.emit("on_evaluate", metrics=metrics)
        return metrics

    def save_model(self, output_dir: str | Path | None = None) -> Path:
        """The model directory: weights, config, code and tokenizer, without training state."""
        from forgather.ml.trainer.export import save_model

        return save_model(
            self.unwrapped_model(), self.processing_class, output_dir or self.args.output_dir
        )

    def save_checkpoint(self, path: str | Path | None = None) -> Path:
        return save_training(self._prepared(), path=path)

    def load_checkpoint(self, path: str | Path) -> None:
        coordinator = self._prepared().coordinator
        found = coordinator.find_checkpoint(str(path))
        assert found is not None
        coordinator.verify(found)
        coordinator.load_model(found)
        coordinator.load_components(found)

    def load_best_model(self) -> None:
        session = self._prepared()
        if session.best.best is None:
            raise CheckpointError("no best checkpoint is known; set preserve_best_model: True")
        load_best(session)

    def log(self, values: dict[str, Any]) -> None:
        """Add a record to the logs, at the current step."""
        (self._loop or TrainingLoop(self._prepared())).log(values)

    def unwrapped_model(self) -> nn.Module:
        return self._prepared().inner

    def get_state_components(self) -> list[StateComponent]:
        return list(self._prepared().coordinator.components)

    def state_dict(self) -> dict[str, Any]:
        return self.state.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.state.load_state_dict(state_dict)

    def paused_clock(self) -> contextlib.AbstractContextManager[None]:
        """For callbacks that take their time: what happens inside counts for no speed."""
        return self._prepared().speed.paused()

    @property
    def state(self) -> TrainerState:
        return self.bus.state

    @property
    def control(self) -> TrainerControl:
        return self.bus.control

    @property
    def model(self) -> nn.Module | None:
        return self._session.inner if self._session is not None else self.given.model

    @property
    def callbacks(self) -> list[Any]:
        return self.bus.callbacks

    def add_callback(self, callback: Any) -> None:
        self.bus.add(callback)

    def pop_callback(self, callback: Any) -> Any | None:
        return self.bus.remove(callback)

    def remove_callback(self, callback: Any) -> None:
        self.bus.remove(callback)

    def _prepared(self) -> Session:
        """Made on the first call; one training a trainer."""
        if self._session is None:
            strategy = self.strategy_class(self.args, self.distributed_env)
            session = prepare_training(self.args, strategy, self.bus, self.given)
            self._session = session
            self.bus.context = {
                "model": session.inner,
                "processing_class": self.processing_class,
                "optimizer": session.optimizer,
                "lr_scheduler": session.lr_scheduler,
                "train_dataloader": session.train_loader,
                "eval_dataloader": None,
                "trainer": self,
            }
        return self._session

    @classmethod
    def _arguments(cls, args: TrainingArguments | Mapping[str, Any] | None) -> TrainingArguments:
        if args is None or isinstance(args, Mapping):
            return cls.args_class(**(args or {}))
        if not isinstance(args, cls.args_class):
            raise RunError(
                f"{cls.__name__} takes {cls.args_class.__name__} or a dict of them, not "
                f"{type(args).__name__}"
            )
        return args


class Trainer(BaseTrainer):
    """Trains on one device."""


SimpleTrainer = Trainer


def _default_callbacks() -> list[Any]:
    from forgather.ml.trainer.callbacks import InfoCallback, ProgressCallback

    return [ProgressCallback(), InfoCallback()]


@contextlib.contextmanager
def _no_generation_cache(model: nn.Module) -> Iterator[None]:
    """Hugging Face models fill a key-value cache in every forward pass unless told not to."""
    config = getattr(model, "config", None)
    previous = getattr(config, "use_cache", None)
    if previous is None:
        yield
        return
    config.use_cache = False
    try:
        yield
    finally:
        config.use_cache = previous
