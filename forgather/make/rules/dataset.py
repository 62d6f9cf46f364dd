"""``dataset``: the corpus of a dataset project, or the tokens that a training reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.rules.materialized import materialize_in_worker, target_inputs
from forgather.make.target import Made, Rule, Target


def names(build: Build, target: Target) -> list[str]:
    """The targets that this config's own dataset artifact holds."""
    found = []
    for name in ("corpus", "train_dataset", "eval_dataset"):
        bound = build.planner.binding(target.compiled, name)
        if bound == (target.compiled, name):
            found.append(name)
    return found


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return target_inputs(build, target, names(build, target), "tokenizers", "datasets")


def make(build: Build, target: Target, out: Path) -> Made:
    return materialize_in_worker(build, target, names(build, target), out)


RULE = Rule("dataset", "a corpus, or tokenized and packed data", inputs, make, folder="dataset")
