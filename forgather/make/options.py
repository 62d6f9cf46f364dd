"""How steps run. Nothing here may influence what they produce."""

from __future__ import annotations

import os
from dataclasses import dataclass, field


@dataclass
class Options:
    """devices: CUDA_VISIBLE_DEVICES of the workers; log_to_files: their output goes to build/log;
    command: how the user would run it again; launcher_args: further arguments of torchrun;
    always: do it even where nothing changed; executor: where trainings run (local, slurm);
    detach: hand trainings to the cluster and do not wait."""

    devices: str | None = None
    log_to_files: bool = False
    command: str = "doit"
    launcher_args: list[str] = field(default_factory=list)
    always: bool = False
    executor: str = field(default_factory=lambda: os.environ.get("FORGATHER_EXECUTOR") or "local")
    detach: bool = field(
        default_factory=lambda: os.environ.get("FORGATHER_SLURM_DETACH", "0") not in ("", "0")
    )
