"""What is about to be trained, printed once at the start."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from forgather.ml.trainer.callbacks.quantities import si
from forgather.ml.trainer.events import TrainerCallback
from forgather.ml.trainer.state import TrainerState


class InfoCallback(TrainerCallback):
    """verbose: prints all arguments, the model and the optimizer too."""

    def __init__(self, verbose: bool = False, output_stream: TextIO | None = None) -> None:
        self.verbose = verbose
        self.output_stream = output_stream

    def on_train_begin(
        self,
        args: Any,
        state: TrainerState,
        control: Any,
        model: Any = None,
        optimizer: Any = None,
        train_dataloader: Any = None,
        **kwargs: Any,
    ) -> None:
        if not state.is_world_process_zero:
            return
        parameters = list(model.parameters())
        total = sum(p.numel() for p in parameters)
        trainable = sum(p.numel() for p in parameters if p.requires_grad)
        effective = args.per_device_train_batch_size * args.gradient_accumulation_steps
        rows = [
            ("Parameters", f"{total:,d} ({si(total)}), trainable {trainable:,d}"),
            ("Device", str(parameters[0].device)),
            ("Examples", f"{getattr(train_dataloader, 'length', None) or 'unknown'}"),
            (
                "Batch size",
                f"{effective} ({args.per_device_train_batch_size} x "
                f"{args.gradient_accumulation_steps} accumulated)",
            ),
            ("Steps", f"{state.max_steps:,d} ({state.steps_per_epoch:,d} in an epoch)"),
            ("Run directory", state.logging_dir),
        ]
        if state.resumed_from:
            rows.append(("Resumed from", f"{state.resumed_from} (step {state.global_step:,d})"))
        stream = self.output_stream or sys.stdout
        for label, value in rows:
            stream.write(f"{label + ':':<16}{value}\n")
        if self.verbose:
            for name, value in args.to_dict().items():
                stream.write(f"  {name}: {value!r}\n")
            stream.write(f"{model}\n{optimizer}\n")
        stream.flush()
