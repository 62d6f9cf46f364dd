"""Where a training stands, what may be asked of it, and what it returns. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple


@dataclass
class TrainerState:
    """Progress of a training, shown to callbacks (names as in Hugging Face's).

    global_step: optimizer steps done. epoch: how many passes over the data are done, with the
    part of the current one. num_input_tokens_seen: target tokens trained on. total_flos: floating
    point operations of the model, forward and backward.
    """

    global_step: int = 0
    epoch: float = 0.0
    max_steps: int = 0
    num_train_epochs: int = 0
    steps_per_epoch: int = 0
    train_batch_size: int = 0
    logging_steps: int = 0
    eval_steps: int = 0
    save_steps: int = 0
    num_input_tokens_seen: int = 0
    total_flos: int = 0
    samples_seen: int = 0
    logging_dir: str = ""
    best_metric: float | None = None
    best_model_checkpoint: str | None = None
    resumed_from: str | None = None
    is_local_process_zero: bool = True
    is_world_process_zero: bool = True
    log_history: list[dict[str, Any]] = field(default_factory=list)

    SAVED = (
        "global_step",
        "epoch",
        "num_input_tokens_seen",
        "total_flos",
        "samples_seen",
        "best_metric",
        "best_model_checkpoint",
    )

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.SAVED}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        known = {item.name for item in fields(self)}
        for name, value in state_dict.items():
            if name in known:
                setattr(self, name, value)


@dataclass
class TrainerControl:
    """What callbacks ask of the loop. It acts on them after the step, and clears them."""

    should_training_stop: bool = False
    should_epoch_stop: bool = False
    should_save: bool = False
    should_evaluate: bool = False
    should_log: bool = False
    should_abort_without_save: bool = False


class TrainOutput(NamedTuple):
    global_step: int
    training_loss: float
    metrics: dict[str, float]
