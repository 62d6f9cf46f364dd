"""A real but tiny language model and dataset; everything about them is deterministic."""

from __future__ import annotations

import dataclasses
import types

import pytest
import torch
from torch import nn

VOCABULARY = 17


class TinyModel(nn.Module):
    """Embedding, one mixing layer with dropout, tied or untied head; returns logits."""

    def __init__(self, hidden: int = 8, dropout: float = 0.1, tied: bool = False) -> None:
        super().__init__()
        self.config = types.SimpleNamespace(hidden_size=hidden, use_cache=True)
        self.embedding = nn.Embedding(VOCABULARY, hidden)
        self.mix = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, VOCABULARY, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def get_output_embeddings(self) -> nn.Module:
        return self.head

    def forward(self, input_ids, return_hidden_states: bool = False):
        x = self.embedding(input_ids)
        x = x + self.dropout(torch.tanh(self.mix(x.cumsum(1))))
        return x if return_hidden_states else self.head(x)


@dataclasses.dataclass
class Corpus:
    """``size`` examples whose labels are partly ignored, a different part in each."""

    size: int = 50
    length: int = 12
    uneven: bool = True

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(index)
        ids = torch.randint(0, VOCABULARY, (self.length,), generator=generator)
        labels = ids.clone()
        if self.uneven:
            labels[: index % (self.length - 1)] = -100
        return {"input_ids": ids, "labels": labels}


def build_model(**kwargs) -> TinyModel:
    with torch.random.fork_rng():
        torch.manual_seed(1234)
        return TinyModel(**kwargs)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def parts():
    """What tests build from."""
    return types.SimpleNamespace(
        TinyModel=TinyModel, Corpus=Corpus, build_model=build_model, vocabulary=VOCABULARY
    )


@pytest.fixture
def make_trainer(tmp_path):
    """``make_trainer(callbacks=..., dataset=..., **training arguments)``."""
    from forgather.ml.losses import CausalLoss
    from forgather.ml.optim import AdamW, InfiniteLRScheduler
    from forgather.ml.trainer import Trainer, TrainingArguments

    def make(*, callbacks=(), dataset=None, eval_dataset=None, model=None, extra=None, **arguments):
        settings = {
            "output_dir": str(tmp_path / "out"),
            "seed": 3,
            "use_cpu": True,
            "per_device_train_batch_size": 4,
            "per_device_eval_batch_size": 8,
            "max_steps": 10,
            "logging_steps": 3,
            "save_strategy": "no",
        }
        settings.update(arguments)
        given = {
            "optimizer_factory": lambda named: AdamW(named, lr=0.01),
            "lr_scheduler_factory": lambda optimizer: InfiniteLRScheduler(
                optimizer, warmup_steps=4, cooldown_steps=10, constant_lr=0.002
            ),
            "compute_loss_func": CausalLoss(),
        }
        given.update(extra or {})
        return Trainer(
            model_init=model or build_model,
            args=TrainingArguments(**settings),
            train_dataset=dataset if dataset is not None else Corpus(),
            eval_dataset=eval_dataset,
            callbacks=list(callbacks),
            **given,
        )

    return make
