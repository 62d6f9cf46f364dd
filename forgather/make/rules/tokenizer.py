"""``tokenizer``: a trained tokenizer, in the files that transformers loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forgather.make.build import Build
from forgather.make.rules.materialized import materialize_in_worker, target_inputs
from forgather.make.target import Made, Rule, Target


def inputs(build: Build, target: Target) -> dict[str, Any]:
    return target_inputs(build, target, ["tokenizer"], "tokenizers", "transformers")


def make(build: Build, target: Target, out: Path) -> Made:
    return materialize_in_worker(build, target, ["tokenizer"], out)


RULE = Rule("tokenizer", "a trained tokenizer", inputs, make, folder="tokenizer")
