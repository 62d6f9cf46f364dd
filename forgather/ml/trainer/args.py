"""The arguments of a training. Data only: what they lead to is in ``prepare``, ``step``, ``loop``.

Three layers, as users know them: :class:`MinimalTrainingArguments` (the names that Hugging Face's
have too), :class:`BaseTrainingArguments`, :class:`TrainingArguments`. Unknown names and wrong
values are refused when the object is made.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from forgather.ml.trainer.fields import (
    ArgumentError,
    check_at_least,
    check_choice,
    check_names,
    check_types,
)

STRATEGIES = ("no", "steps", "epoch")
SDPA_BACKENDS = ("math", "flash", "efficient", "cudnn")


@dataclass(kw_only=True)
class MinimalTrainingArguments:
    output_dir: str = "tmp_trainer"
    logging_dir: str | None = None
    overwrite_output_dir: bool = False
    resume_from_checkpoint: bool | str | None = False

    per_device_train_batch_size: int = 16
    per_device_eval_batch_size: int = 16
    gradient_accumulation_steps: int = 1
    num_train_epochs: float = 1
    max_steps: int = -1
    epoch_train_steps: int = 100_000  # batches in an epoch of a dataset without length

    device: str | torch.device | None = None
    use_cpu: bool = False
    seed: int = -1  # -1: a random one, noted in the checkpoint

    dataloader_num_workers: int = 0
    dataloader_pin_memory: bool = True
    dataloader_persistent_workers: bool = False
    dataloader_prefetch_factor: int | None = None
    dataloader_drop_last: bool = False

    eval_strategy: str = "no"
    eval_steps: int = 100
    eval_delay: float = 0
    logging_strategy: str = "steps"
    logging_steps: int = 50
    logging_first_step: bool = False
    save_strategy: str = "steps"
    save_steps: int = 1000
    save_total_limit: int | None = 2
    save_safetensors: bool = True
    save_on_each_node: bool = False

    load_best_model_at_end: bool = False
    metric_for_best_model: str = "loss"
    greater_is_better: bool | None = None

    torch_compile: bool = False
    torch_compile_backend: str | None = None
    torch_compile_mode: str | None = "default"
    torch_compile_dynamic: bool | None = True
    torch_compile_full_graph: bool = False

    max_grad_norm: float | None = None
    gradient_checkpointing: bool = False
    learning_rate: float = 5e-5
    weight_decay: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    lr_scheduler_type: str = "linear"
    lr_scheduler_kwargs: dict[str, Any] | None = None
    warmup_steps: int = 0

    def __new__(cls, *args: Any, **kwargs: Any) -> MinimalTrainingArguments:
        # Before the generated __init__ would answer an unknown name with a bare TypeError.
        check_names(cls, kwargs)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("eval_strategy", "logging_strategy", "save_strategy"):
            # YAML reads an unquoted ``no`` as false.
            check_choice(self, name, STRATEGIES)
        for name in _POSITIVE:
            check_at_least(self, name, 1)
        for name in _NOT_NEGATIVE:
            check_at_least(self, name, 0)
        check_at_least(self, "max_steps", -1)
        check_at_least(self, "seed", -1)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MinimalTrainingArguments:
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for logs."""
        values = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {
            name: str(value) if isinstance(value, torch.dtype | torch.device) else value
            for name, value in values.items()
        }

    def digest(self) -> str:
        """sha256 of the values that can change numbers; places are left out."""
        values = {key: value for key, value in self.to_dict().items() if key not in _PLACES}
        text = json.dumps(values, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


_PLACES = ("output_dir", "logging_dir", "overwrite_output_dir", "resume_from_checkpoint")
_POSITIVE = (
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "epoch_train_steps",
    "eval_steps",
    "logging_steps",
    "save_steps",
    "dataloader_prefetch_factor",
)
_NOT_NEGATIVE = (
    "num_train_epochs",
    "dataloader_num_workers",
    "eval_delay",
    "save_total_limit",
    "max_grad_norm",
    "learning_rate",
    "warmup_steps",
)


@dataclass(kw_only=True)
class BaseTrainingArguments(MinimalTrainingArguments):
    dataloader_shuffle: bool = True
    default_dtype: str | torch.dtype | None = None
    max_eval_steps: int = -1
    eval_on_save: bool = False

    preserve_best_model: bool = False
    best_model_metric: str = "loss"
    best_model_greater_is_better: bool | None = None
    preserve_n_best: int = 1

    enable_activation_offloading: bool = False
    detect_anomaly: bool = False
    sdpa_backend: str | list[str] | None = None
    sdpa_set_priority: bool = False
    float32_matmul_precision: str | None = None
    dynamo_recompile_limit: int | None = None
    mixed_precision: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "mixed_precision", (None, "no", "bf16", "fp16"))
        check_choice(self, "float32_matmul_precision", (None, "highest", "high", "medium"))
        check_at_least(self, "preserve_n_best", 1)
        check_at_least(self, "max_eval_steps", -1)
        self._check_sdpa()
        self._check_default_dtype()
        self._check_best()

    @property
    def keeps_best(self) -> bool:
        return self.preserve_best_model or self.load_best_model_at_end

    @property
    def best_metric(self) -> str:
        """Both spellings are read; the one that is not the default counts."""
        return _other_than("loss", self.best_model_metric, self.metric_for_best_model)

    @property
    def best_is_greater(self) -> bool | None:
        return _other_than(None, self.best_model_greater_is_better, self.greater_is_better)

    @property
    def torch_dtype(self) -> torch.dtype | None:
        if isinstance(self.default_dtype, str):
            return getattr(torch, self.default_dtype.removeprefix("torch."))
        return self.default_dtype

    @property
    def sdpa_backends(self) -> list[str]:
        if self.sdpa_backend is None:
            return []
        return [self.sdpa_backend] if isinstance(self.sdpa_backend, str) else self.sdpa_backend

    def _check_sdpa(self) -> None:
        for name in self.sdpa_backends:
            if name not in SDPA_BACKENDS:
                raise ArgumentError(
                    f"sdpa_backend is {name!r}; it must be of {', '.join(SDPA_BACKENDS)}"
                )

    def _check_default_dtype(self) -> None:
        name = self.default_dtype
        if isinstance(name, str):
            found = getattr(torch, name.removeprefix("torch."), None)
            if not isinstance(found, torch.dtype):
                raise ArgumentError(
                    f"default_dtype is {name!r}; it must name a torch type such as 'bfloat16'"
                )

    def _check_best(self) -> None:
        if not self.keeps_best or self.eval_on_save:
            return
        matches = self.eval_strategy == self.save_strategy and (
            self.eval_strategy != "steps" or self.save_steps % self.eval_steps == 0
        )
        if not matches:
            raise ArgumentError(
                "to keep the best checkpoint, an evaluation must fall on every save: "
                f"eval_strategy is {self.eval_strategy!r} (every {self.eval_steps} steps), "
                f"save_strategy {self.save_strategy!r} (every {self.save_steps})",
                hint="set eval_on_save: True, or make save_steps a multiple of eval_steps",
            )


def _other_than(default: Any, ours: Any, theirs: Any) -> Any:
    return theirs if ours == default else ours


@dataclass(kw_only=True)
class TrainingArguments(BaseTrainingArguments):
    gc_threshold: float = 0.5
    construct_model_on: str = "default"
    activation_memory_budget: float | None = None
    speed_metrics_start_step: int = 1
    set_dataset_epoch: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice(self, "construct_model_on", ("default", "device"))
        check_at_least(self, "speed_metrics_start_step", 0)
