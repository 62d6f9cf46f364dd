import pytest
import torch

from forgather.errors import ConfigError, RunError
from forgather.ml.trainer import Trainer, TrainingArguments


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"learning_rat": 1.0}, "no argument 'learning_rat'", "'learning_rate'"),
        ({"save_rng_state": True}, "no argument 'save_rng_state'", None),
        ({"learning_rate": "1e-3"}, "it must be a number", "learning_rate: 1.0e-3"),
        ({"max_steps": "100"}, "it must be a whole number", "max_steps: 100"),
        ({"max_steps": 1.5}, "it must be a whole number", None),
        ({"logging_steps": True}, "it must be a whole number", None),
        ({"eval_strategy": "step"}, "'no', 'steps', 'epoch'", None),
        ({"save_strategy": False}, "must be a text", 'save_strategy: "no"'),
        ({"mixed_precision": "bf17"}, "mixed_precision", None),
        ({"default_dtype": "bfloat17"}, "default_dtype", None),
        ({"sdpa_backend": ["math", "flsh"]}, "'flsh'", None),
        ({"logging_steps": 0}, "at least 1", None),
        ({"gradient_accumulation_steps": -1}, "at least 1", None),
        ({"construct_model_on": "meta"}, "'default', 'device'", None),
        ({"load_best_model_at_end": True}, "an evaluation must fall on every save", "eval_on_save"),
    ],
)
def test_a_wrong_argument_is_answered_with_what_would_be_right(arguments, message, hint):
    for make in (lambda: TrainingArguments(**arguments), lambda: Trainer(args=arguments, model=1)):
        with pytest.raises(ConfigError) as caught:
            make()
        assert message in str(caught.value)
        assert hint is None or hint in caught.value.hint
    with pytest.raises(ValueError):
        TrainingArguments(**arguments)


def test_good_arguments_pass():
    args = TrainingArguments(
        num_train_epochs=2,
        default_dtype="bfloat16",
        sdpa_backend="math",
        resume_from_checkpoint="",
        save_total_limit=None,
        lr_scheduler_kwargs={"a": 1},
    )
    assert args.torch_dtype is torch.bfloat16
    assert args.sdpa_backends == ["math"]
    assert TrainingArguments.from_dict(args.to_dict()).digest() == args.digest()


def test_both_spellings_of_the_best_metric_are_read():
    args = TrainingArguments(
        metric_for_best_model="accuracy",
        greater_is_better=False,
        preserve_best_model=True,
        eval_on_save=True,
    )
    assert (args.best_metric, args.best_is_greater) == ("accuracy", False)


def test_the_digest_is_of_what_changes_numbers():
    base = TrainingArguments()
    assert TrainingArguments(output_dir="elsewhere").digest() == base.digest()
    assert TrainingArguments(learning_rate=1.0).digest() != base.digest()


def test_the_trainer_wants_one_model_and_its_own_arguments():
    for given in ({}, {"model": torch.nn.Linear(1, 1), "model_init": torch.nn.Linear}):
        with pytest.raises(RunError, match="exactly one"):
            Trainer(**given)
    with pytest.raises(RunError, match="TrainingArguments"):
        Trainer(model=torch.nn.Linear(1, 1), args=3)
