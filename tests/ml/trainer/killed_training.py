"""The training that test_kill.py starts and kills; not a test itself.

Reads lines ``<output directory> <seconds>`` from stdin. For each it forks a child that trains there
(so that torch is imported once, not at every start), with each flush to the disk made to last so
long: a kill then often falls inside a checkpoint write. Prints ``pid``, ``step`` and ``exit`` lines.
"""

import os
import sys
import time

import torch
from torch import nn

from forgather.errors import ForgatherError
from forgather.ml.checkpoint import store
from forgather.ml.losses import CausalLoss
from forgather.ml.optim import AdamW, InfiniteLRScheduler
from forgather.ml.trainer import Trainer, TrainerCallback, TrainingArguments
from forgather.ml.trainer.callbacks import JsonLogger

real_fsync = store.fsync_path


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(17, 16)
        self.mix = nn.Linear(16, 16)
        self.dropout = nn.Dropout(0.1)

    def forward(self, input_ids):
        x = self.embedding(input_ids)
        return self.dropout(torch.tanh(self.mix(x))) @ self.embedding.weight.t()


class Steps(TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        say("step", state.global_step)


def say(*words):
    print(*words, flush=True)


def train(output_dir: str, delay: float) -> None:
    def slow_fsync(path):
        real_fsync(path)
        time.sleep(delay)

    store.fsync_path = slow_fsync
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 17, (60, 12), generator=generator)
    trainer = Trainer(
        model_init=Model,
        args=TrainingArguments(
            output_dir=output_dir,
            seed=5,
            use_cpu=True,
            per_device_train_batch_size=4,
            gradient_accumulation_steps=2,
            max_steps=60,
            logging_steps=1,
            eval_strategy="steps",
            eval_steps=7,
            save_steps=3,
            save_total_limit=2,
            resume_from_checkpoint=True,
        ),
        train_dataset=[{"input_ids": row, "labels": row} for row in ids],
        eval_dataset=[{"input_ids": row, "labels": row} for row in ids[:10]],
        callbacks=[JsonLogger(), Steps()],
        compute_loss_func=CausalLoss(),
        optimizer_factory=lambda named: AdamW(named, lr=0.01),
        lr_scheduler_factory=lambda optimizer: InfiniteLRScheduler(optimizer, warmup_steps=10),
        resume_command="again",
    )
    trainer.train()


def child(output_dir: str, delay: float) -> int:
    try:
        train(output_dir, delay)
    except ForgatherError as error:
        print(error.render(), file=sys.stderr, flush=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    for line in sys.stdin:
        directory, seconds = line.split()
        process = os.fork()
        if process == 0:
            os._exit(child(directory, float(seconds)))
        say("pid", process)
        _, status = os.waitpid(process, 0)
        say("exit", os.waitstatus_to_exitcode(status))
