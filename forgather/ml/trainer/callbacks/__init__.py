"""Callbacks, one a file; imported when first asked for, so that none drags in another's libraries."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES = {
    "ConfigSnapshot": "config_snapshot",
    "DualTimeScaleDivergenceDetector": "divergence",
    "DualWindowDivergenceDetector": "divergence",
    "GradLogger": "grad_logger",
    "InfoCallback": "info",
    "JsonLogger": "json_logger",
    "PeakMemory": "peak_memory",
    "ProfilerCallback": "profiler",
    "ProgressCallback": "progress",
    "ResumableSummaryWriter": "summary_writer",
    "TBLogger": "tb_logger",
    "TextgenCallback": "textgen",
    "WeightNormLogger": "weight_norm_logger",
}
__all__ = [*sorted(_PLACES), "TrainerCallback"]


def __getattr__(name: str) -> Any:
    if name == "TrainerCallback":
        from forgather.ml.trainer.events import TrainerCallback

        return TrainerCallback
    if name in _PLACES:
        module = importlib.import_module(f"{__name__}.{_PLACES[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
