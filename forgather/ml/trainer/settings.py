"""Settings of the whole process for the time of a training, put back afterwards.

Matmul precision, attention backends, anomaly detection, compiler limits, garbage collection.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from forgather.ml.trainer.args import TrainingArguments

_SDPA = {
    "math": SDPBackend.MATH,
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}


@contextlib.contextmanager
def process_settings(args: TrainingArguments) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        if args.float32_matmul_precision is not None:
            previous = torch.get_float32_matmul_precision()
            stack.callback(torch.set_float32_matmul_precision, previous)
            torch.set_float32_matmul_precision(args.float32_matmul_precision)
        if args.sdpa_backends:
            backends = [_SDPA[name] for name in args.sdpa_backends]
            stack.enter_context(sdpa_kernel(backends, set_priority=args.sdpa_set_priority))
        if args.detect_anomaly:
            stack.enter_context(torch.autograd.detect_anomaly())
        if args.enable_activation_offloading:
            pin = torch.cuda.is_available()
            stack.enter_context(torch.autograd.graph.save_on_cpu(pin_memory=pin))
        if args.dynamo_recompile_limit is not None:
            stack.enter_context(_patched_dynamo(args.dynamo_recompile_limit))
        if args.activation_memory_budget is not None:
            stack.enter_context(_patched_budget(args.activation_memory_budget))
        yield


def _patched_dynamo(limit: int) -> contextlib.AbstractContextManager[None]:
    import torch._dynamo.config as config

    return config.patch(recompile_limit=limit)


def _patched_budget(budget: float) -> contextlib.AbstractContextManager[None]:
    import torch._functorch.config as config

    return config.patch(activation_memory_budget=budget)


class GarbageControl:
    """Collects garbage when it suits the loop, not in the middle of a step.

    Python's collector walks every object alive, hundreds of thousands after the imports, whenever
    it likes. Inside the block what exists is frozen (never walked) and automatic collection is
    off; the loop calls :meth:`collect` now and then.
    """

    def __init__(self, every: int = 200) -> None:
        self.every = every
        self._was_enabled = False

    def __enter__(self) -> GarbageControl:
        self._was_enabled = gc.isenabled()
        gc.collect()
        gc.freeze()
        gc.disable()
        return self

    def __exit__(self, *exc_info: object) -> None:
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()

    def collect(self) -> None:
        gc.collect()


def release_device_memory(device: torch.device, threshold: float) -> None:
    """Give cached device memory back when more than ``threshold`` of the device is reserved."""
    if device.type != "cuda":
        return
    total = torch.cuda.get_device_properties(device).total_memory
    if torch.cuda.memory_reserved(device) > threshold * total:
        gc.collect()
        torch.cuda.empty_cache()
