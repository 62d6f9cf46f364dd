"""What a training does: loss, accumulation, evaluation, events, errors."""

import copy
import io
import json
import logging

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from forgather.errors import ConfigError, DataError, RunError
from forgather.ml.losses import CausalLoss, LinearCrossEntropyLoss
from forgather.ml.trainer import Trainer, TrainerCallback, TrainingArguments
from forgather.ml.trainer.callbacks import (
    DualTimeScaleDivergenceDetector,
    DualWindowDivergenceDetector,
    GradLogger,
    InfoCallback,
    JsonLogger,
    PeakMemory,
    ProfilerCallback,
    ProgressCallback,
    ResumableSummaryWriter,
    TBLogger,
    WeightNormLogger,
)
from forgather.ml.trainer.flops import FlopCounter
from forgather.ml.training_script import TrainingScript
from forgather.runs.layout import list_runs
from forgather.runs.records import read_records


class Recorder(TrainerCallback):
    def __init__(self):
        self.logs, self.metrics = [], []

    def on_log(self, args, state, control, logs, **kwargs):
        self.logs.append(logs)

    def on_train_metrics(self, args, state, control, loss, grad_norm, tokens, **kwargs):
        self.metrics.append((loss.item(), grad_norm.item(), tokens))


def weights(trainer):
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])


class MeanLoss:
    """A loss that knows nothing of the step's count."""

    def __call__(self, logits, labels):
        return CausalLoss()(logits, labels)


@settings(max_examples=8, deadline=None)
@given(
    batch=st.sampled_from([1, 2, 3, 4, 6, 12]),
    loss=st.sampled_from([CausalLoss(), MeanLoss()]),
    seed=st.integers(0, 99),
)
def test_any_split_of_a_batch_is_the_large_batch(batch, loss, seed):
    """Gradient accumulation with uneven numbers of targets, one of the examples without any."""
    from tests.ml.trainer.conftest import Corpus, build_model

    recorders = []
    results = []
    for size in (12, batch):
        recorders.append(Recorder())
        trainer = Trainer(
            model=build_model(dropout=0.0),
            args=TrainingArguments(
                per_device_train_batch_size=size,
                gradient_accumulation_steps=12 // size,
                max_steps=3,
                seed=seed,
                save_strategy="no",
                logging_strategy="no",
                use_cpu=True,
                max_grad_norm=1.0,
            ),
            train_dataset=Corpus(30),  # the third step has 6 examples only
            compute_loss_func=loss,
            optimizer_factory=lambda named: torch.optim.SGD(list(named), lr=0.1),
            lr_scheduler_factory=lambda o: torch.optim.lr_scheduler.ConstantLR(o, factor=1.0),
            callbacks=[recorders[-1]],
        )
        trainer.train()
        results.append(weights(trainer))
    for ours, whole in zip(recorders[1].metrics, recorders[0].metrics, strict=True):
        assert ours == pytest.approx(whole, rel=1e-5)
        assert ours[2] == whole[2]
    torch.testing.assert_close(results[1], results[0], rtol=1e-6, atol=1e-6)


def test_an_incomplete_window_at_the_end_of_an_epoch_is_a_step(make_trainer, parts):
    trainer = make_trainer(
        dataset=parts.Corpus(22), gradient_accumulation_steps=4, max_steps=-1, num_train_epochs=2
    )
    output = trainer.train()
    assert output.global_step == 4  # 6 batches: 4 + 2, twice
    assert trainer.state.samples_seen == 44
    assert trainer.state.epoch == 2.0
    assert all(p.grad is None for p in trainer.model.parameters())


def test_batches_without_targets_do_no_harm(make_trainer, parts, caplog):
    class Empty(parts.Corpus):
        def __getitem__(self, index):
            example = super().__getitem__(index)
            return {**example, "labels": torch.full_like(example["labels"], -100)}

    trainer = make_trainer(dataset=Empty(8), max_steps=2)
    before = copy.deepcopy(parts.build_model().state_dict())
    trainer.train()
    assert "without a target token" in caplog.text
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, before[name])


def test_a_batch_without_labels_is_refused(make_trainer):
    with pytest.raises(DataError, match="no 'labels'"):
        make_trainer(dataset=[{"input_ids": torch.zeros(3, dtype=torch.long)}] * 8).train()


def test_a_model_that_returns_no_loss_is_refused(make_trainer):
    class Silent(nn.Linear):
        def forward(self, input_ids, labels):
            return {"logits": torch.zeros(2, 3, 4)}

    with pytest.raises(RunError, match="returned no loss"):
        make_trainer(model=lambda: Silent(1, 1), extra={"compute_loss_func": None}).train()


def test_a_fused_loss_trains_like_the_plain_one(make_trainer, parts):
    plain = make_trainer(model=lambda: parts.build_model(tied=True))
    plain.train()
    fused = make_trainer(
        model=lambda: parts.build_model(tied=True),
        extra={"fused_loss_factory": lambda head: LinearCrossEntropyLoss(head, chunk_size=7)},
    )
    fused.train()
    torch.testing.assert_close(weights(fused), weights(plain), rtol=1e-4, atol=1e-5)


def test_logged_loss_is_the_mean_over_tokens(make_trainer):
    recorder = Recorder()
    output = make_trainer(callbacks=[recorder], logging_steps=4, max_steps=6).train()
    losses = recorder.metrics
    first, last = recorder.logs[0], recorder.logs[1]
    for record, steps in ((first, losses[:4]), (last, losses[4:])):
        tokens = sum(n for _, _, n in steps)
        assert record["loss"] == pytest.approx(sum(x * n for x, _, n in steps) / tokens)
        assert record["tokens"] == tokens
        assert record["max_grad_norm"] == pytest.approx(max(g for _, g, _ in steps))
        assert record["grad_norm"] == pytest.approx(
            (sum(g * g for _, g, _ in steps) / len(steps)) ** 0.5
        )
    total = sum(n for _, _, n in losses)
    assert last["total_tokens"] == total
    assert output.training_loss == pytest.approx(sum(x * n for x, _, n in losses) / total)


def test_a_nan_is_logged_not_hidden(make_trainer):
    recorder = Recorder()
    loss = lambda logits, labels: logits.sum() * float("nan")  # noqa: E731
    make_trainer(callbacks=[recorder], max_steps=3, extra={"compute_loss_func": loss}).train()
    assert recorder.logs[0]["loss"] != recorder.logs[0]["loss"]


class TestEvaluation:
    def exact(self, model, dataset, count=None):
        model.eval()
        total = tokens = 0
        for index in range(count or len(dataset)):
            example = dataset[index]
            labels = example["labels"][None]
            number = int((labels[:, 1:] != -100).sum())
            with torch.no_grad():
                logits = model(example["input_ids"][None])
            total += CausalLoss()(logits, labels).item() * number
            tokens += number
        return total / tokens

    @pytest.mark.parametrize("batch", [1, 4, 7, 100])
    def test_is_the_mean_over_tokens_however_it_is_cut(self, make_trainer, parts, batch):
        trainer = make_trainer(eval_dataset=parts.Corpus(19), per_device_eval_batch_size=batch)
        expected = self.exact(parts.build_model(), parts.Corpus(19))
        assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, rel=1e-6)

    def test_is_exact_with_max_eval_steps(self, make_trainer, parts):
        trainer = make_trainer(
            eval_dataset=parts.Corpus(40), per_device_eval_batch_size=5, max_eval_steps=3
        )
        expected = self.exact(parts.build_model(), parts.Corpus(40), 15)
        assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, rel=1e-6)

    def test_does_not_change_the_training(self, make_trainer, parts):
        plain, evaluated = Recorder(), Recorder()
        make_trainer(callbacks=[plain]).train()
        trainer = make_trainer(
            callbacks=[evaluated],
            eval_dataset=parts.Corpus(9),
            eval_strategy="steps",
            eval_steps=2,
            dataloader_num_workers=1,
        )
        trainer.train()
        assert evaluated.metrics == plain.metrics
        assert trainer.model.training

    def test_after_training_uses_the_trained_model(self, make_trainer, parts):
        trainer = make_trainer(eval_dataset=parts.Corpus(9), callbacks=[JsonLogger()])
        trainer.train()
        expected = self.exact(copy.deepcopy(trainer.model), parts.Corpus(9))
        assert trainer.evaluate()["eval_loss"] == pytest.approx(expected, rel=1e-6)

    def test_needs_no_training_data_and_takes_a_checkpoint(self, make_trainer, parts):
        trained = make_trainer(save_strategy="steps", eval_dataset=parts.Corpus(9))
        trained.train()
        alone = make_trainer(eval_dataset=parts.Corpus(9), resume_from_checkpoint=True)
        alone.given.train_dataset = None
        assert alone.evaluate() == trained.evaluate()

    def test_without_data_is_refused_before_training(self, make_trainer):
        with pytest.raises(DataError, match="eval_dataset"):
            make_trainer().evaluate()
        with pytest.raises(DataError, match="eval_dataset"):
            make_trainer(eval_strategy="steps").train()

    def test_delay(self, make_trainer, parts):
        recorder = Recorder()
        make_trainer(
            callbacks=[recorder],
            eval_dataset=parts.Corpus(9),
            eval_strategy="steps",
            eval_steps=2,
            eval_delay=5,
        ).train()
        assert [r["global_step"] for r in recorder.logs if "eval_loss" in r] == [6, 8, 10]


class TestEvents:
    def test_order_of_what_falls_on_one_step(self, make_trainer, parts):
        class Names(TrainerCallback):
            def __init__(self):
                self.seen = []

            def __getattribute__(self, name):
                if name in ("on_log", "on_evaluate", "on_save"):
                    return lambda args, state, control, **kwargs: self.seen.append(
                        (state.global_step, name)
                    )
                return super().__getattribute__(name)

            def on_log(self): ...

            def on_evaluate(self): ...

            def on_save(self): ...

        names = Names()
        make_trainer(
            callbacks=[names],
            eval_dataset=parts.Corpus(9),
            max_steps=2,
            logging_steps=2,
            eval_strategy="steps",
            eval_steps=2,
            save_strategy="steps",
            save_steps=2,
        ).train()
        events = [name for step, name in names.seen]
        assert events == ["on_log", "on_log", "on_evaluate", "on_save", "on_log"]

    def test_callbacks_may_stop_log_save_and_evaluate(self, make_trainer, parts, tmp_path):
        class Control(TrainerCallback):
            def on_step_end(self, args, state, control, **kwargs):
                control.should_log = control.should_evaluate = state.global_step == 2
                control.should_save = state.global_step == 3
                control.should_training_stop = state.global_step == 5

        recorder = Recorder()
        output = make_trainer(
            callbacks=[Control(), recorder],
            eval_dataset=parts.Corpus(9),
            logging_strategy="no",
            save_strategy="steps",
        ).train()
        assert output.global_step == 5
        assert [r["global_step"] for r in recorder.logs] == [2, 2, 5]
        saved = sorted(path.name for path in (tmp_path / "out").glob("checkpoint-*"))
        assert saved == ["checkpoint-3", "checkpoint-5"]

    def test_abort_saves_nothing(self, make_trainer, tmp_path):
        class Abort(TrainerCallback):
            def on_step_end(self, args, state, control, **kwargs):
                control.should_abort_without_save = state.global_step == 3

        output = make_trainer(callbacks=[Abort()], save_strategy="steps").train()
        assert output.global_step == 3
        assert not list((tmp_path / "out").glob("checkpoint-*"))

    def test_an_epoch_may_be_cut_short(self, make_trainer, parts):
        class Short(TrainerCallback):
            def on_step_end(self, args, state, control, **kwargs):
                control.should_epoch_stop = state.global_step == 2

        trainer = make_trainer(callbacks=[Short()], dataset=parts.Corpus(20), max_steps=4)
        trainer.train()
        assert trainer.state.epoch == pytest.approx(1.4)

    def test_a_misspelt_event_is_an_error(self, make_trainer):
        class Typo(TrainerCallback):
            def on_step_ends(self, *args, **kwargs): ...

        with pytest.raises(ConfigError, match="on_step_ends") as caught:
            make_trainer(callbacks=[Typo()])
        assert "on_step_end" in caught.value.hint

    def test_callbacks_come_and_go(self, make_trainer):
        trainer = make_trainer(callbacks=[Recorder])
        recorder = trainer.pop_callback(Recorder)
        assert isinstance(recorder, Recorder) and trainer.callbacks == []
        trainer.add_callback(recorder)
        trainer.remove_callback(recorder)
        assert trainer.callbacks == []


class TestDivergence:
    def feed(self, detector, values):
        from forgather.ml.trainer import TrainerControl, TrainerState

        for number, value in enumerate(values):
            control = TrainerControl()
            detector.on_log(None, TrainerState(), control, {detector.metric_key: value})
            if control.should_training_stop:
                return number, control.should_abort_without_save
        return None

    def test_two_time_scales(self):
        detector = DualTimeScaleDivergenceDetector(threshold=1.0, short_alpha=0.5)
        assert self.feed(detector, [3.0] * 20) is None
        assert self.feed(detector, [3.0, 6.0]) == (1, False)

    def test_two_windows_wait_for_the_long_one(self):
        def make():
            return DualWindowDivergenceDetector(2, 6, 1.0, "abort", use_eval_loss=False)

        assert self.feed(make(), [1, 1, 9, 9]) is None
        assert self.feed(make(), [1, 1, 1, 1, 9, 9]) == (5, True)

    def test_nan_triggers_and_nonsense_is_refused(self):
        assert self.feed(DualTimeScaleDivergenceDetector(), [1.0, float("nan")]) == (1, False)
        assert self.feed(DualWindowDivergenceDetector(), [float("nan")]) == (0, False)
        for wrong in ({"action": "halt"}, {"short_alpha": 0.001}):
            with pytest.raises(ConfigError):
                DualTimeScaleDivergenceDetector(**wrong)
        with pytest.raises(ConfigError):
            DualWindowDivergenceDetector(5, 5)

    def test_it_stops_a_training(self, make_trainer):
        detector = DualWindowDivergenceDetector(1, 2, -9.0, use_eval_loss=False)
        assert make_trainer(callbacks=[detector], logging_steps=1).train().global_step == 2


class TestCallbacks:
    def test_progress_in_plain_lines(self, make_trainer, parts):
        stream = io.StringIO()
        make_trainer(
            callbacks=[
                ProgressCallback(output_stream=stream, peak_hardware_flops=1e9),
                InfoCallback(verbose=True, output_stream=stream),
            ],
            eval_dataset=parts.Corpus(9),
            eval_strategy="steps",
            eval_steps=5,
        ).train()
        text = stream.getvalue()
        for word in ("loss", "lr", "tok/s", "mfu", "left", "eval-loss:", "Training complete:"):
            assert word in text
        assert "Parameters:" in text and "learning_rate: 5e-05" in text

    def test_progress_as_a_bar(self, make_trainer):
        stream = io.StringIO()
        make_trainer(callbacks=[ProgressCallback(use_tqdm=True, output_stream=stream)]).train()
        assert "10/10" in stream.getvalue()

    def test_json_records(self, make_trainer, parts, tmp_path):
        make_trainer(
            callbacks=[JsonLogger(project="p"), PeakMemory()],
            eval_dataset=parts.Corpus(9),
            eval_strategy="epoch",
        ).train()
        (run,) = list_runs(tmp_path / "out")
        header = (run / "trainer_logs.json").read_text().splitlines()[0]
        assert json.loads(header)["project"] == "p"
        records = read_records(run / "trainer_logs.json")
        training = {"timestamp", "global_step", "epoch", "loss", "grad_norm", "max_grad_norm"}
        training |= {"tokens", "total_tokens", "total_flos", "learning_rate", "peak_mem_process"}
        assert set(records[0]) == training
        assert records[0]["global_step"] == 3
        final = {"timestamp", "global_step", "epoch", "train_runtime", "train_samples", "step"}
        final |= {"train_samples_per_second", "train_steps_per_second", "effective_batch_size"}
        final |= {"total_tokens", "tokens_per_second", "total_flops", "flops_per_second"}
        assert set(records[-1]) == final
        assert (records[-1]["step"], records[-1]["train_samples"]) == (10, 40)

    def test_tensorboard(self, make_trainer, tmp_path):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        run = tmp_path / "out" / "runs" / "one"

        def train(**changes):
            writer = ResumableSummaryWriter()
            callbacks = [
                TBLogger(writer, description="text"),
                GradLogger(writer, ["mix"], log_steps=2),
                WeightNormLogger(writer, log_steps=5),
            ]
            changes = {"save_strategy": "steps", "save_steps": 6, **changes}
            make_trainer(callbacks=callbacks, logging_dir=str(run), **changes).train()

        train(max_steps=5, save_strategy="no")  # as if it had been killed before a checkpoint
        train(max_steps=6, resume_from_checkpoint=True)
        train(max_steps=9, resume_from_checkpoint=True)
        events = EventAccumulator(str(run)).Reload()
        assert [e.step for e in events.Scalars("train/loss")] == [3, 6, 9]
        assert [e.step for e in events.Scalars("grad_norm/mix.weight")] == [2, 4, 6, 8]
        assert [e.step for e in events.Scalars("weight_norm/head.weight")] == [5]

    def test_a_pattern_that_matches_nothing_is_refused(self, make_trainer):
        with pytest.raises(ConfigError, match="nosuch"):
            make_trainer(callbacks=[GradLogger(ResumableSummaryWriter(), ["nosuch"])]).train()

    def test_profiler(self, make_trainer, tmp_path):
        directory = tmp_path / "profile"
        make_trainer(callbacks=[ProfilerCallback(2, 2, str(directory))]).train()
        assert json.loads((directory / "step_4.json").read_text())["traceEvents"]


class TestBest:
    def test_the_best_checkpoints_survive_and_the_best_is_loaded(
        self, make_trainer, parts, tmp_path
    ):
        values = iter([5.0, 1.0, 3.0, 2.0, 4.0])

        trainer = make_trainer(
            eval_dataset=parts.Corpus(9),
            max_steps=5,
            eval_on_save=True,
            save_strategy="steps",
            save_steps=1,
            save_total_limit=1,
            preserve_n_best=2,
            load_best_model_at_end=True,
        )
        seen = {}

        class Fake(TrainerCallback):
            """Stands for five models of known quality."""

            def on_evaluate(self, args, state, control, metrics, model, **kwargs):
                metrics["eval_loss"] = next(values)
                seen[state.global_step] = {k: v.clone() for k, v in model.state_dict().items()}

        trainer.add_callback(Fake())
        trainer.train()
        saved = sorted(path.name for path in (tmp_path / "out").glob("checkpoint-*"))
        assert saved == ["checkpoint-2", "checkpoint-4", "checkpoint-5"]
        assert trainer.state.best_metric == 1.0
        for name, value in trainer.model.state_dict().items():
            assert torch.equal(value, seen[2][name])


def test_flops_equal_what_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=24,
        vocab_size=32,
        attn_implementation="eager",
        use_cache=False,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    ids = torch.randint(0, 32, (2, 8))
    with FlopCounterMode(display=False) as counted:
        # Embeddings need gradients, so that the first layer's inputs do, as in the formula.
        model(input_ids=ids, labels=ids).loss.backward()
    rotary = 2 * 2 * 8  # torch counts the tiny product that makes the rotary angles
    assert abs(FlopCounter(model)(2, 8) - counted.get_total_flops()) <= 4 * rotary * 16


@pytest.mark.parametrize("kind", ["linear", "cosine", "constant_with_warmup"])
def test_hugging_face_schedules_by_name(make_trainer, kind):
    trainer = make_trainer(
        extra={"lr_scheduler_factory": None, "optimizer_factory": None},
        lr_scheduler_type=kind,
        warmup_steps=2,
        learning_rate=0.1,
        save_strategy="steps",
        save_steps=5,
        max_steps=6,
    )
    trainer.train()
    resumed = make_trainer(
        extra={"lr_scheduler_factory": None, "optimizer_factory": None},
        lr_scheduler_type=kind,
        warmup_steps=2,
        learning_rate=0.1,
        max_steps=6,
        resume_from_checkpoint=str(trainer.args.output_dir) + "/checkpoint-5",
    )
    resumed.train()
    assert torch.equal(weights(resumed), weights(trainer))


def test_an_unknown_schedule_offers_the_nearest(make_trainer):
    with pytest.raises(ConfigError) as caught:
        make_trainer(extra={"lr_scheduler_factory": None}, lr_scheduler_type="linaer").train()
    assert "'linear'" in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"mixed_precision": "bf16"},
        {"mixed_precision": "fp16"},
        {"float32_matmul_precision": "high"},
        {"sdpa_backend": ["math"], "sdpa_set_priority": True},
        {"enable_activation_offloading": True},
        {"default_dtype": "float64", "construct_model_on": "device"},
        {"dynamo_recompile_limit": 3, "activation_memory_budget": 0.5},
    ],
)
def test_numeric_settings_train_and_are_put_back(make_trainer, changes):
    before = (torch.get_float32_matmul_precision(), torch.get_default_dtype())
    recorder = Recorder()
    make_trainer(callbacks=[recorder], logging_steps=1, max_steps=3, **changes).train()
    assert all(2.0 < r["loss"] < 4.0 for r in recorder.logs if "loss" in r)
    assert (torch.get_float32_matmul_precision(), torch.get_default_dtype()) == before


def test_gradient_checkpointing_needs_a_way(make_trainer):
    with pytest.raises(RunError, match="gradient_checkpointing_enable"):
        make_trainer(gradient_checkpointing=True).train()
    called = []
    extra = {"enable_activation_checkpoint_fn": called.append}
    trainer = make_trainer(gradient_checkpointing=True, extra=extra)
    trainer.train()
    assert called == [trainer.model]


def test_the_constructor_makes_nothing(make_trainer, tmp_path):
    def explode():
        raise AssertionError("built too early")

    make_trainer(model=explode, callbacks=[JsonLogger(), TBLogger()])
    assert not (tmp_path / "out").exists()


def test_a_stream_trains_for_max_steps(make_trainer, parts):
    class Stream:
        def __iter__(self):
            corpus = parts.Corpus(10)
            return (corpus[index] for index in range(10))

    trainer = make_trainer(dataset=Stream(), max_steps=7)
    assert trainer.train().global_step == 7
    assert trainer.state.samples_seen == 2 * (4 + 4 + 2) + 4


def test_the_script_trains_saves_evaluates_and_keeps_the_config(make_trainer, parts, tmp_path):
    trainer = make_trainer(eval_dataset=parts.Corpus(9), callbacks=[JsonLogger()])
    script = TrainingScript({"pp_config": "a: 1\n"}, trainer, do_save=True, do_eval=True)
    metrics = script.run()
    assert {"eval_loss", "train_runtime"} <= set(metrics)
    (run,) = list_runs(tmp_path / "out")
    assert (run / "config.yaml").read_text() == "a: 1\n"
    assert (tmp_path / "out" / "model.safetensors").is_file()
    assert not list((tmp_path / "out").glob(".tmp*"))


@pytest.fixture(autouse=True)
def warnings_are_seen(caplog):
    caplog.set_level(logging.WARNING)
