"""The command line of a worker: one process, or torchrun for a gang of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

MODULE = "forgather.launch.worker"


def worker_command(spec: Path | str, *, processes: int = 1, extra: Sequence[str] = ()) -> list[str]:
    """Arguments that run the action in ``spec``.

    extra: arguments for torchrun; where given, they replace ``--standalone --nproc-per-node``.
    """
    if processes == 1 and not extra:
        return [sys.executable, "-m", MODULE, str(spec)]
    launcher = list(extra) or ["--standalone", "--nproc-per-node", str(processes)]
    return [sys.executable, "-m", "torch.distributed.run", *launcher, "-m", MODULE, str(spec)]
