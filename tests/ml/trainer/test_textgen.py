"""Samples written during a training of a real transformers model."""

import json

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from forgather.errors import ConfigError, RunError
from forgather.ml.trainer import Trainer, TrainingArguments
from forgather.ml.trainer.callbacks import JsonLogger, TextgenCallback

WORDS = ["<pad>", "<eos>", "the", "cat", "sat", "on", "a", "mat"]


def make_model():
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=24,
        vocab_size=len(WORDS),
        pad_token_id=0,
        eos_token_id=1,
        attention_dropout=0.1,
    )
    return LlamaForCausalLM(config)


def make_tokenizer():
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<pad>"))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")


def train(output_dir, callback, **changes):
    ids = torch.randint(2, len(WORDS), (20, 8), generator=torch.Generator().manual_seed(0))
    trainer = Trainer(
        model_init=make_model,
        args=TrainingArguments(
            output_dir=str(output_dir),
            **{
                "seed": 1,
                "use_cpu": True,
                "per_device_train_batch_size": 4,
                "max_steps": 6,
                "learning_rate": 0.01,
                "lr_scheduler_type": "constant",
                "logging_steps": 1,
                "save_steps": 3,
                **changes,
            },
        ),
        train_dataset=[{"input_ids": row, "labels": row} for row in ids],
        eval_dataset=[{"input_ids": row, "labels": row} for row in ids[:4]],
        processing_class=make_tokenizer(),
        callbacks=[JsonLogger(), *callback],
    )
    trainer.train()
    return trainer


def textgen(**changes):
    settings = {"do_sample": True, "temperature": 0.9, "top_k": 5}
    return TextgenCallback(
        **{
            "prompts": ["the cat", "a"],
            "generation_config": settings,
            "generation_steps": 2,
            "max_new_tokens": 5,
            **changes,
        }
    )


def samples(output_dir):
    (run,) = (output_dir / "runs").iterdir()
    return [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]


def test_samples_come_at_their_steps_and_change_nothing(tmp_path):
    plain = train(tmp_path / "plain", [])
    sampled = train(tmp_path / "sampled", [textgen()])
    found = samples(tmp_path / "sampled")
    assert [record["step"] for record in found] == [2, 2, 4, 4, 6, 6]
    assert [record["prompt"] for record in found[:2]] == ["the cat", "a"]
    assert all(isinstance(record["text"], str) for record in found)
    for name, value in plain.model.state_dict().items():
        assert torch.equal(value, sampled.model.state_dict()[name])


def test_a_resumed_training_writes_the_same_samples(tmp_path):
    train(tmp_path / "whole", [textgen()], save_strategy="no")
    train(tmp_path / "cut", [textgen()], max_steps=3, save_steps=3)
    train(tmp_path / "cut", [textgen()], resume_from_checkpoint=True)
    # The first part also wrote one at its end, step 3, as the whole did not.
    assert [s for s in samples(tmp_path / "cut") if s["step"] != 3] == samples(tmp_path / "whole")


def test_without_steps_samples_follow_evaluations(tmp_path):
    train(tmp_path, [textgen(generation_steps=None)], eval_strategy="steps", eval_steps=3)
    assert [record["step"] for record in samples(tmp_path)] == [3, 3, 6, 6]


def test_the_cache_is_off_in_training_only(tmp_path):
    trainer = train(tmp_path, [])
    assert trainer.model.config.use_cache is True


def test_an_unknown_setting_is_refused(tmp_path):
    wrong = textgen(generation_config={"repitition_penalty": 1.2})
    with pytest.raises(ConfigError, match="repitition_penalty") as caught:
        train(tmp_path, [wrong])
    assert "repetition_penalty" in caught.value.hint


def test_a_model_that_cannot_generate_is_refused(make_trainer):
    with pytest.raises(RunError, match="generate"):
        make_trainer(callbacks=[textgen()]).train()


def test_prompts_from_files(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\nlines\n")
    (tmp_path / "a.json").write_text('["one", "two"]')
    (tmp_path / "a.yaml").write_text("- one\n- two\n")
    assert TextgenCallback(prompts=tmp_path / "a.txt").prompts == ["one", "two\nlines"]
    assert TextgenCallback(prompts=str(tmp_path / "a.json")).prompts == ["one", "two"]
    assert TextgenCallback(prompts=tmp_path / "a.yaml").prompts == ["one", "two"]
    with pytest.raises(ConfigError, match="cannot read"):
        TextgenCallback(prompts=str(tmp_path / "absent.txt"))
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(ConfigError, match="no list"):
        TextgenCallback(prompts=tmp_path / "b.json")


def test_accumulation_with_a_models_own_loss_is_the_large_batch(tmp_path):
    """Uneven numbers of targets; the model's own loss is a mean over its micro-batch."""
    ids = torch.randint(2, len(WORDS), (8, 8), generator=torch.Generator().manual_seed(0))
    rows = []
    for number, row in enumerate(ids):
        labels = row.clone()
        labels[:number] = -100
        rows.append({"input_ids": row, "labels": labels})
    found = []
    for size in (8, 2):
        model = make_model()
        model.config.attention_dropout = 0.0
        for layer in model.model.layers:
            layer.self_attn.attention_dropout = 0.0
        Trainer(
            model=model,
            args=TrainingArguments(
                output_dir=str(tmp_path / str(size)),
                per_device_train_batch_size=size,
                gradient_accumulation_steps=8 // size,
                max_steps=1,
                save_strategy="no",
                use_cpu=True,
                lr_scheduler_type="constant",
            ),
            train_dataset=rows,
            callbacks=[],
            optimizer_factory=lambda named: torch.optim.SGD(list(named), lr=1.0),
        ).train()
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=1e-6)
