"""The trainer for one device. docs/trainers/trainer.md is the user's page.

Bottom up: fields < args, state < events; order < dataloader, stream; flops, metrics, precision,
objective, settings, interrupt, cadence; strategy < step < evaluate; optimizers < ingredients <
loaders, modeling; session < progress, saving < prepare < loop < trainer. Callbacks know events only.
"""

from forgather.ml.trainer.args import (
    BaseTrainingArguments,
    MinimalTrainingArguments,
    TrainingArguments,
)
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerControl, TrainerState, TrainOutput
from forgather.ml.trainer.trainer import BaseTrainer, SimpleTrainer, Trainer

__all__ = [
    "BaseTrainer",
    "BaseTrainingArguments",
    "MinimalTrainingArguments",
    "SimpleTrainer",
    "TrainOutput",
    "Trainer",
    "TrainerCallback",
    "TrainerControl",
    "TrainerState",
    "TrainingArguments",
]
