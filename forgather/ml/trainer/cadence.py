"""When something is due: at multiples of N of the global step, or at the end of an epoch.

Multiples of the global step, not a counter: a resumed training acts where the undisturbed one does.
"""

from __future__ import annotations

from dataclasses import dataclass

from forgather.ml.trainer.args import TrainingArguments


@dataclass(frozen=True)
class Cadence:
    strategy: str
    every: int
    not_before: float = 0
    also_first: bool = False

    def at_step(self, step: int) -> bool:
        if self.strategy != "steps" or step < self.not_before:
            return False
        return step % self.every == 0 or (self.also_first and step == 1)

    def at_epoch_end(self, step: int) -> bool:
        return self.strategy == "epoch" and step >= self.not_before


def logging_cadence(args: TrainingArguments) -> Cadence:
    return Cadence(args.logging_strategy, args.logging_steps, also_first=args.logging_first_step)


def evaluation_cadence(args: TrainingArguments) -> Cadence:
    return Cadence(args.eval_strategy, args.eval_steps, not_before=args.eval_delay)


def saving_cadence(args: TrainingArguments) -> Cadence:
    return Cadence(args.save_strategy, args.save_steps)
