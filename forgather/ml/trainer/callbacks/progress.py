"""The training on the console: a bar with figures on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from forgather.ml.trainer.callbacks.quantities import duration, si
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState


class ProgressCallback(TrainerCallback):
    """use_tqdm: None asks whether the output is a terminal.

    peak_hardware_flops: of all devices together; with it the share that was used (MFU) is shown.
    header_interval: lines between two headers.
    """

    def __init__(
        self,
        use_tqdm: bool | None = None,
        output_stream: TextIO | None = None,
        show_loss: bool = True,
        show_grad_norm: bool = True,
        show_learning_rate: bool = True,
        show_tokens: bool = True,
        show_epoch: bool = True,
        show_tokens_per_second: bool = True,
        show_peak_memory: bool = True,
        peak_hardware_flops: float | None = None,
        header_interval: int = 20,
    ) -> None:
        self.use_tqdm = use_tqdm
        self.output_stream = output_stream
        self.show_loss = show_loss
        self.show_grad_norm = show_grad_norm
        self.show_learning_rate = show_learning_rate
        self.show_tokens = show_tokens
        self.show_epoch = show_epoch
        self.show_tokens_per_second = show_tokens_per_second
        self.show_peak_memory = show_peak_memory
        self.peak_hardware_flops = peak_hardware_flops
        self.header_interval = header_interval
        self._bar: Any = None
        self._silent = False
        self._began = 0.0
        self._first_step = 0
        self._lines = 0
        self._columns: list[str] = []

    def on_train_begin(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        self._silent = not state.is_world_process_zero
        self._began = time.perf_counter()
        self._first_step = state.global_step
        wanted = self.use_tqdm
        if wanted is None:
            wanted = (self.output_stream or sys.stderr).isatty()
        if wanted and not self._silent:
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=state.max_steps,
                initial=state.global_step,
                file=self.output_stream,
                dynamic_ncols=True,
                unit="step",
            )

    def on_step_end(self, args: Any, state: TrainerState, control: Any, **kwargs: Any) -> None:
        if self._bar is not None:
            self._bar.update(1)

    def on_log(
        self,
        args: Any,
        state: TrainerState,
        control: Any,
        logs: dict[str, Any],
        speed: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if self._silent:
            return
        if "train_runtime" in logs:
            self.close()
            self._write_summary(logs)
        elif "eval_loss" in logs:
            self._write(
                f"{state.global_step:>10,d}  {state.epoch:>8.3f}  eval-loss: {logs['eval_loss']:.5f}"
            )
        elif "loss" in logs:
            self._write_row(self._row(state, logs, speed or {}))

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _row(
        self, state: TrainerState, logs: dict[str, Any], speed: dict[str, float]
    ) -> dict[str, str]:
        row = {"step": f"{state.global_step:,d}"}
        if self.show_epoch:
            row["epoch"] = f"{state.epoch:.3f}"
        if self.show_loss:
            row["loss"] = f"{logs['loss']:.5f}"
        if self.show_grad_norm:
            row["grad"] = f"{logs['grad_norm']:.4f}"
            row["maxg"] = f"{logs['max_grad_norm']:.4f}"
        if self.show_learning_rate:
            row["lr"] = f"{logs['learning_rate']:.2e}"
        if self.show_tokens:
            row["tokens"] = si(logs["tokens"])
            row["total_tok"] = si(logs["total_tokens"])
        if self.show_tokens_per_second and speed:
            row["tok/s"] = si(speed["tokens_per_second"])
            if self.peak_hardware_flops:
                row["mfu"] = f"{speed['flops_per_second'] / self.peak_hardware_flops:.1%}"
        if self.show_peak_memory and "peak_mem_allocated" in logs:
            row["peak_mem"] = si(logs["peak_mem_allocated"])
        row["left"] = duration(self._seconds_left(state))
        return row

    def _seconds_left(self, state: TrainerState) -> float:
        done = state.global_step - self._first_step
        if done <= 0:
            return float("inf")
        return (time.perf_counter() - self._began) / done * (state.max_steps - state.global_step)

    def _write_row(self, row: dict[str, str]) -> None:
        if self._lines % self.header_interval == 0 or list(row) != self._columns:
            self._columns = list(row)
            self._lines = 0
            self._write("  ".join(f"{name:>10}" for name in row))
        self._lines += 1
        self._write("  ".join(f"{value:>10}" for value in row.values()))
        if self._bar is not None:
            shown = ("loss", "lr", "tok/s")
            self._bar.set_postfix({name: row[name] for name in shown if name in row})

    def _write_summary(self, logs: dict[str, Any]) -> None:
        rows = [
            ("Runtime", duration(logs["train_runtime"])),
            ("Total steps", f"{logs['step']:,d}"),
            ("Total samples", f"{logs['train_samples']:,d}"),
            ("Total tokens", si(logs["total_tokens"])),
            ("Effective batch size", f"{logs['effective_batch_size']:,d}"),
            ("Samples/second", f"{logs['train_samples_per_second']:.2f}"),
            ("Steps/second", f"{logs['train_steps_per_second']:.2f}"),
            ("Tokens/second", si(logs["tokens_per_second"])),
            ("FLOP/second", si(logs["flops_per_second"])),
        ]
        self._write("Training complete:")
        for label, value in rows:
            self._write(f"  {label + ':':<22}{value}")

    def _write(self, line: str) -> None:
        if self._bar is not None:
            self._bar.write(line, file=self.output_stream or sys.stderr)
        else:
            stream = self.output_stream or sys.stdout
            stream.write(line + "\n")
            stream.flush()
