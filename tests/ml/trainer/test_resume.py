"""A resumed training is the undisturbed one: weights and records, bit by bit."""

import json
import random
import shutil
from pathlib import Path

import numpy
import pytest
import torch

from forgather.errors import CheckpointError
from forgather.ml.trainer.callbacks import (
    DualTimeScaleDivergenceDetector,
    JsonLogger,
    TrainerCallback,
)
from forgather.runs.layout import checkpoint_path, list_runs

STEPS = 14
TIMING = ("timestamp", "train_runtime", "per_second")


class Noise(TrainerCallback):
    """Draws from every generator between steps, as a user's callback may, and logs what it drew."""

    def on_log_step(self, args, state, control, logs, **kwargs):
        logs["drawn"] = [torch.rand(1).item(), random.random(), numpy.random.rand()]


def records_of(output_dir):
    (run,) = list_runs(output_dir)
    lines = (run / "trainer_logs.json").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if not any(t in k for t in TIMING)}
        for line in lines
    ]


def weights_of(trainer):
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def settings(**changes):
    return {
        "max_steps": STEPS,
        "gradient_accumulation_steps": 2,
        "logging_steps": 3,
        "save_strategy": "steps",
        "save_steps": 1,
        "save_total_limit": None,
        "eval_strategy": "steps",
        "eval_steps": 4,
        "max_grad_norm": 0.5,
        **changes,
    }


EXHAUSTIVE = "accumulation over epoch ends"
CASES = {
    EXHAUSTIVE: settings(),
    "epoch strategies": settings(eval_strategy="epoch", logging_strategy="epoch"),
    "first step logged, last partial": settings(logging_first_step=True, logging_steps=5),
    "no accumulation, drop last": settings(
        gradient_accumulation_steps=1, dataloader_drop_last=True, per_device_train_batch_size=16
    ),
    "best kept": settings(
        eval_steps=1, preserve_best_model=True, preserve_n_best=2, load_best_model_at_end=True
    ),
    "bf16": settings(mixed_precision="bf16"),
}


@pytest.mark.parametrize("name", CASES)
def test_resuming_at_any_step_changes_nothing(tmp_path, make_trainer, parts, name):
    def trainer(output_dir, **changes):
        return make_trainer(
            callbacks=[Noise(), JsonLogger(project="x"), DualTimeScaleDivergenceDetector()],
            dataset=parts.Corpus(22),
            eval_dataset=parts.Corpus(9),
            output_dir=str(output_dir),
            **{**CASES[name], **changes},
        )

    whole = trainer(tmp_path / "whole")
    whole.train()
    expected, expected_records = weights_of(whole), records_of(tmp_path / "whole")
    # Every step in the first case; at the others the place in the window matters, not the number.
    steps = range(1, STEPS + 1) if name == EXHAUSTIVE else (2, 5, 6, 11, STEPS)
    # Flushing every checkpoint of every resumed run to the disk would be most of the time.
    fewer_saves = {} if "preserve_best_model" in CASES[name] else {"save_steps": 1000}
    for step in steps:
        torch.manual_seed(999)
        resumed_dir = copy_up_to(tmp_path / "whole", tmp_path / f"at{step}", step)
        resumed = trainer(resumed_dir, resume_from_checkpoint=True, **fewer_saves)
        resumed.train()
        assert resumed.state.resumed_from.endswith(f"checkpoint-{step}")
        for key, value in weights_of(resumed).items():
            assert torch.equal(value, expected[key]), (step, key)
        assert records_of(resumed_dir) == expected_records, step


def copy_up_to(source: Path, target: Path, step: int) -> Path:
    """As a kill right after checkpoint ``step`` would leave it, with later log lines still there."""
    shutil.copytree(source, target)
    for later in range(step + 1, STEPS + 1):
        shutil.rmtree(checkpoint_path(target, later), ignore_errors=True)
    return target


def test_more_steps_later_equal_more_steps_at_once(tmp_path, make_trainer, parts):
    """The record that closes a finished training vanishes when it goes on after all."""

    def trainer(name, **changes):
        changes = {"save_steps": 100, "output_dir": str(tmp_path / name), **changes}
        return make_trainer(
            callbacks=[JsonLogger()], eval_dataset=parts.Corpus(9), **settings(**changes)
        )

    at_once = trainer("once", max_steps=11)
    at_once.train()
    trainer("twice", max_steps=7).train()
    assert records_of(tmp_path / "twice")[-2]["global_step"] == 7
    later = trainer("twice", max_steps=11, resume_from_checkpoint=True)
    later.train()
    assert records_of(tmp_path / "twice") == records_of(tmp_path / "once")
    for key, value in weights_of(later).items():
        assert torch.equal(value, weights_of(at_once)[key])


@pytest.mark.parametrize("workers", [(2, 0), (0, 2)])
def test_the_number_of_workers_may_change(tmp_path, make_trainer, workers):
    def trainer(count, name, **changes):
        return make_trainer(
            output_dir=str(tmp_path / name),
            dataloader_num_workers=count,
            **settings(eval_strategy="no", **changes),
        )

    whole = trainer(0, "whole")
    whole.train()
    trainer(workers[0], "cut", max_steps=5).train()
    resumed = trainer(workers[1], "cut", resume_from_checkpoint=True)
    resumed.train()
    for key, value in weights_of(resumed).items():
        assert torch.equal(value, weights_of(whole)[key])


def test_an_unseeded_training_resumes_exactly_too(tmp_path, make_trainer):
    class Order(TrainerCallback):
        def __init__(self):
            self.seen = []

        def on_step_end(self, args, state, control, train_dataloader, **kwargs):
            self.seen.append((state.global_step, train_dataloader.seed))

    first, second = Order(), Order()
    make_trainer(callbacks=[first], **settings(seed=-1, max_steps=3, eval_strategy="no")).train()
    make_trainer(
        callbacks=[second],
        **settings(seed=-1, max_steps=5, eval_strategy="no", resume_from_checkpoint=True),
    ).train()
    assert [step for step, _ in first.seen + second.seen] == [1, 2, 3, 4, 5]
    assert len({seed for _, seed in first.seen + second.seen}) == 1


def test_nothing_to_resume_starts_afresh_and_says_so(make_trainer, caplog):
    output = make_trainer(**settings(eval_strategy="no", resume_from_checkpoint=True)).train()
    assert output.global_step == STEPS
    assert "starts afresh" in caplog.text


def test_a_fresh_start_among_old_checkpoints_is_refused(make_trainer, tmp_path):
    make_trainer(**settings(eval_strategy="no", max_steps=3)).train()
    with pytest.raises(CheckpointError, match="checkpoint-3") as caught:
        make_trainer(**settings(eval_strategy="no", max_steps=3)).train()
    assert "resume_from_checkpoint" in caught.value.hint
    make_trainer(**settings(eval_strategy="no", max_steps=2, overwrite_output_dir=True)).train()
    left = sorted(path.name for path in (tmp_path / "out").glob("checkpoint-*"))
    assert left == ["checkpoint-1", "checkpoint-2"]


def test_other_data_is_refused_until_its_state_is_deleted(make_trainer, parts, tmp_path, caplog):
    make_trainer(**settings(eval_strategy="no", max_steps=3)).train()

    def resume(dataset):
        trainer = make_trainer(
            dataset=dataset,
            **settings(eval_strategy="no", max_steps=5, resume_from_checkpoint=True),
        )
        return trainer.train()

    with pytest.raises(CheckpointError, match="not the one") as caught:
        resume(parts.Corpus(51))
    assert "dataset_state.pt" in caught.value.hint
    with pytest.raises(CheckpointError, match="fingerprint"):
        resume(parts.Corpus(50, uneven=False))
    (tmp_path / "out" / "checkpoint-3" / "dataset_state.pt").unlink()
    assert resume(parts.Corpus(51)).global_step == 5
    assert "'dataset' starts afresh" in caplog.text


def test_a_checkpoint_of_another_model_is_refused(make_trainer, parts):
    make_trainer(**settings(eval_strategy="no", max_steps=2)).train()
    with pytest.raises(CheckpointError, match="shape"):
        make_trainer(
            model=lambda: parts.build_model(hidden=4),
            **settings(eval_strategy="no", resume_from_checkpoint=True),
        ).train()


def test_a_resumed_run_goes_on_in_its_directory_and_keeps_its_header(make_trainer, tmp_path):
    for resumed in (False, True):
        make_trainer(
            callbacks=[JsonLogger(number=int(resumed))],
            **settings(eval_strategy="no", max_steps=5 + resumed, resume_from_checkpoint=resumed),
        ).train()
    (run,) = list_runs(tmp_path / "out")
    header = (run / "trainer_logs.json").read_text().splitlines()[0]
    assert json.loads(header) == {"schema": 1, "number": 0}


def test_callback_states_find_their_callback_in_another_order(make_trainer):
    class Keeper(TrainerCallback):
        def __init__(self, key, value=None):
            self.state_key, self.value = key, value

        def state_dict(self):
            return {"value": self.value}

        def load_state_dict(self, state_dict):
            self.value = state_dict["value"]

    changes = settings(eval_strategy="no", max_steps=1)
    make_trainer(callbacks=[Keeper("a", 1), Keeper("b", 2)], **changes).train()
    first, second = Keeper("b"), Keeper("a")
    changes["resume_from_checkpoint"] = True
    make_trainer(callbacks=[first, second], **changes).train()
    assert (first.value, second.value) == (2, 1)
