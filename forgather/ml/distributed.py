"""What a process knows about its place among the others: ranks, device, process group.

Reads torchrun's variables. A training of one process needs no process group and gets none unless
``always`` asks for it. How models and batches are spread is a strategy's business (``ml.trainer``).
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator

import torch
import torch.distributed as dist

from forgather.errors import RunError


def _from_environment(name: str, given: int | None, default: int) -> int:
    if given is not None:
        return given
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise RunError(f"environment variable {name} is {text!r}, not a number") from error


class DistributedEnvironment:
    """Ranks and device of this process; initialises the process group where there are several.

    Arguments left None come from torchrun's variables. ``device_map`` maps a local rank to a
    device. ``no_accelerator`` (or ``FORGATHER_NO_ACCELERATOR=1``) keeps to the CPU.
    """

    def __init__(
        self,
        rank: int | None = None,
        local_rank: int | None = None,
        world_size: int | None = None,
        local_world_size: int | None = None,
        master_addr: str | None = None,
        master_port: int | None = None,
        backend: str | None = None,
        log_level: str | int | None = None,
        device_map: dict[int, str] | None = None,
        always: bool = False,
        no_accelerator: bool = False,
    ) -> None:
        self.rank = _from_environment("RANK", rank, 0)
        self.local_rank = _from_environment("LOCAL_RANK", local_rank, 0)
        self.world_size = _from_environment("WORLD_SIZE", world_size, 1)
        self.local_world_size = _from_environment("LOCAL_WORLD_SIZE", local_world_size, 1)
        self.master_addr = master_addr or os.environ.get("MASTER_ADDR", "localhost")
        self.master_port = _from_environment("MASTER_PORT", master_port, 29501)
        self.backend = backend
        if log_level is not None:
            logging.getLogger("forgather").setLevel(log_level)
        self.device = self._pick_device(device_map or {}, no_accelerator)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        if self.world_size > 1 or always:
            self._join()

    def __repr__(self) -> str:
        return (
            f"DistributedEnvironment(rank={self.rank}, world_size={self.world_size}, "
            f"device={str(self.device)!r})"
        )

    def _pick_device(self, device_map: dict[int, str], no_accelerator: bool) -> torch.device:
        if no_accelerator or os.environ.get("FORGATHER_NO_ACCELERATOR") == "1":
            return torch.device("cpu")
        if self.local_rank in device_map:
            return torch.device(device_map[self.local_rank])
        if torch.cuda.is_available():
            return torch.device("cuda", self.local_rank % torch.cuda.device_count())
        return torch.device("cpu")

    def _join(self) -> None:
        if dist.is_initialized():
            return
        os.environ["MASTER_ADDR"] = self.master_addr
        os.environ["MASTER_PORT"] = str(self.master_port)
        backend = self.backend or ("nccl" if self.device.type == "cuda" else "gloo")
        dist.init_process_group(backend, rank=self.rank, world_size=self.world_size)


def get_rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def get_world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def get_barrier_fn(group: dist.ProcessGroup | None = None) -> Callable[[], None]:
    """A barrier over ``group``; does nothing in a training of one process."""

    def barrier() -> None:
        if dist.is_initialized():
            dist.barrier(group=group)

    return barrier


@contextlib.contextmanager
def main_process_first(group: dist.ProcessGroup | None = None) -> Iterator[None]:
    """Rank 0 runs the body first, the others after it (to fill a cache once).

    The others are let go when rank 0 fails, too: its exception is not hidden behind a hang.
    """
    barrier = get_barrier_fn(group)
    is_first = get_rank() == 0
    if not is_first:
        barrier()
    try:
        yield
    finally:
        if is_first:
            barrier()
