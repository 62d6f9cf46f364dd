"""Text written by the model while it learns.

Deterministic: the random numbers of a sample come from (seed, step) alone, and the training's
generators are put back, so samples change nothing in the training and a resumed training writes
the same ones. Records go to ``samples.jsonl`` in the run directory (cut back on a resume).
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from forgather.errors import ConfigError, RunError, did_you_mean
from forgather.ml.checkpoint import rng
from forgather.ml.trainer.callbacks.json_logger import open_records
from forgather.ml.trainer.callbacks.summary_writer import begin_writer
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState
from forgather.runs.layout import SAMPLES_FILE
from forgather.runs.records import RecordWriter


class TextgenCallback(TrainerCallback):
    """prompts: a list, or a file (.txt: paragraphs; .json or .yaml: a list).

    generation_config: a dict of transformers' generation settings (or a GenerationConfig).
    generation_steps: at multiples of this step and at the end; None: after every evaluation.
    """

    def __init__(
        self,
        summary_writer: Any = None,
        prompts: Sequence[str] | str | Path = (),
        generation_config: Any = None,
        generation_steps: int | None = None,
        max_new_tokens: int = 200,
    ) -> None:
        self.writer = summary_writer
        self.prompts = read_prompts(prompts)
        if generation_steps is not None and generation_steps < 1:
            raise ConfigError(f"generation_steps is {generation_steps}; it must be at least 1")
        self.generation_config = generation_config
        self.generation_steps = generation_steps
        self.max_new_tokens = max_new_tokens
        self._records: RecordWriter | None = None
        self._keep: int | None = None
        self._last_step = -1

    def on_train_begin(
        self, args: Any, state: TrainerState, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        if not hasattr(model, "generate"):
            raise RunError(f"TextgenCallback needs a model with generate(), not {type(model)}")
        self._settings = make_generation_config(self.generation_config, self.max_new_tokens)
        if state.is_world_process_zero:
            begin_writer(self.writer, args, state)
            self._records = open_records(args, state, SAMPLES_FILE, self._keep)

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        every = self.generation_steps
        if every is None:
            return
        if state.global_step % every == 0 or state.global_step == state.max_steps:
            with kwargs["trainer"].paused_clock():
                self._write_samples(args, state, **kwargs)

    def on_evaluate(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self.generation_steps is None and self._records is not None:
            self._write_samples(args, state, **kwargs)

    def close(self) -> None:
        if self._records is not None:
            self._records.close()
            self._records = None

    def state_dict(self) -> dict[str, Any]:
        return {
            "records": 0 if self._records is None else self._records.count,
            "last_step": self._last_step,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._keep = state_dict["records"]
        self._last_step = state_dict["last_step"]

    def _write_samples(
        self, args: Any, state: TrainerState, model: Any, processing_class: Any, **kwargs: Any
    ) -> None:
        step = state.global_step
        if step == self._last_step or self._records is None:
            return
        self._last_step = step
        texts = generate_texts(
            model, processing_class, self.prompts, self._settings, seed=_seed(args.seed, step)
        )
        for number, (prompt, text) in enumerate(zip(self.prompts, texts, strict=True)):
            self._records.append(
                {"step": step, "global_step": step, "index": number, "prompt": prompt, "text": text}
            )
        if self.writer is not None:
            shown = "\n\n".join(
                f"**{prompt}** {text}" for prompt, text in zip(self.prompts, texts, strict=True)
            )
            self.writer.add_text("samples", shown, step)


def generate_texts(
    model: Any, tokenizer: Any, prompts: Sequence[str], settings: Any, seed: int
) -> list[str]:
    """The continuation of each prompt; leaves mode and random numbers as they were."""
    was_training = model.training
    model.eval()
    try:
        with rng.preserved(), torch.no_grad():
            rng.seed_all(seed)
            return [_generate(model, tokenizer, prompt, settings) for prompt in prompts]
    finally:
        model.train(was_training)


def _generate(model: Any, tokenizer: Any, prompt: str, settings: Any) -> str:
    encoded = tokenizer(prompt, return_tensors="pt")
    device = next(model.parameters()).device
    ids = encoded["input_ids"].to(device)  # (1, T)
    # Some tokenizers close what they encode; a prompt is to be continued.
    if (
        tokenizer.eos_token_id is not None
        and ids.size(1) > 1
        and ids[0, -1] == tokenizer.eos_token_id
    ):
        ids = ids[:, :-1]
    settings = copy.copy(settings)
    settings.eos_token_id = tokenizer.eos_token_id
    pad = tokenizer.pad_token_id
    settings.pad_token_id = tokenizer.eos_token_id if pad is None else pad
    output = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=settings
    )
    return tokenizer.decode(output[0, ids.size(1) :], skip_special_tokens=True)


def make_generation_config(settings: Any, max_new_tokens: int) -> Any:
    """A GenerationConfig; a setting that transformers does not know is an error, not ignored."""
    from transformers import GenerationConfig

    if isinstance(settings, GenerationConfig):
        return settings
    settings = dict(settings or {})
    known = GenerationConfig().to_dict()
    for name in settings:
        if name not in known:
            raise ConfigError(
                f"generation_config has no setting {name!r}", hint=did_you_mean(name, known)
            )
    return GenerationConfig(**{"max_new_tokens": max_new_tokens, "use_cache": True, **settings})


def read_prompts(prompts: Sequence[str] | str | Path) -> list[str]:
    if not isinstance(prompts, str | Path):
        return [str(prompt) for prompt in prompts]
    path = Path(prompts)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the prompts of TextgenCallback: {error}") from error
    if path.suffix == ".txt":
        return [part.strip() for part in text.split("\n\n") if part.strip()]
    if path.suffix == ".json":
        found = json.loads(text)
    else:
        import yaml

        found = yaml.safe_load(text)
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise ConfigError(f"{path} holds no list of texts")
    return found


def _seed(seed: int, step: int) -> int:
    digest = hashlib.sha256(f"forgather-textgen-1:{seed}:{step}".encode()).digest()
    return int.from_bytes(digest[:7], "little")
