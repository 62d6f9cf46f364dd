"""What a checkpoint is made of: components, how each is shared by the processes, its file.

A state file holds tensors and plain data only. It is read with ``weights_only=True``, so a file
from a stranger cannot run code, and a component that would need a pickle is refused when it is
saved, not when it is needed.
"""

from __future__ import annotations

import collections
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from forgather.errors import CheckpointError


@runtime_checkable
class Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


class SharingPattern(StrEnum):
    """How the state of one component relates between processes."""

    GLOBAL = "global"  # one process has it, all use it
    REPLICATED = "replicated"  # all have the same
    PER_RANK = "per_rank"  # each has its own
    PER_GROUP = "per_group"  # each process group has its own
    PER_NODE = "per_node"  # each machine has its own


@dataclass
class StateComponent:
    """One thing to save: any object with ``state_dict`` and ``load_state_dict``.

    required: loading fails where its file is missing (else: a warning, and it starts fresh).
    """

    key: str
    stateful: Stateful
    sharing_pattern: SharingPattern = SharingPattern.GLOBAL
    process_group_name: str | None = None
    required: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sharing_pattern = SharingPattern(self.sharing_pattern)
        if not self.key.isidentifier():
            raise CheckpointError(f"component key {self.key!r} cannot name a file")
        if (self.sharing_pattern is SharingPattern.PER_GROUP) != bool(self.process_group_name):
            raise CheckpointError(
                f"component {self.key!r}: process_group_name goes with sharing pattern per_group, "
                "and only with it"
            )


def component_file(
    component: StateComponent,
    *,
    rank: int = 0,
    world_size: int = 1,
    group_rank: int = 0,
    node_rank: int = 0,
) -> str:
    """The file that this process writes or reads; one process needs no rank in the name."""
    key, pattern = component.key, component.sharing_pattern
    if world_size == 1 or pattern in (SharingPattern.GLOBAL, SharingPattern.REPLICATED):
        return f"{key}_state.pt"
    if pattern is SharingPattern.PER_RANK:
        return f"{key}_state_rank_{rank}.pt"
    if pattern is SharingPattern.PER_GROUP:
        name = component.process_group_name
        return f"{key}_state_group_{name}_grank_{group_rank}_rank_{rank}.pt"
    assert pattern is SharingPattern.PER_NODE
    return f"{key}_state_node_{node_rank}_rank_{rank}.pt"


_PLAIN = (str, int, float, complex, bool, type(None), bytes)
_PLAIN_TORCH = (torch.Tensor, torch.dtype, torch.Size, torch.device)
_MAPPINGS = (dict, collections.OrderedDict, collections.Counter)


def check_plain(value: Any, where: str) -> None:
    """Raise where ``value`` holds something that ``weights_only=True`` would not read back."""
    kind = type(value)
    if kind in _PLAIN or isinstance(value, _PLAIN_TORCH):
        return
    if kind in _MAPPINGS:
        for key, item in value.items():
            check_plain(key, f"key {key!r} of {where}")
            check_plain(item, f"{where}[{key!r}]")
    elif kind in (list, tuple, set):
        for number, item in enumerate(value):
            check_plain(item, f"{where}[{number}]")
    else:
        raise CheckpointError(
            f"{where} is a {kind.__module__}.{kind.__qualname__}, which a checkpoint cannot hold",
            hint="a state_dict holds tensors, numbers, text, lists, tuples and dicts only",
        )


def save_state(path: Path, state: dict[str, Any], name: str) -> None:
    check_plain(state, name)
    # Nothing reads the crc32 in torch's zip files, and it is most of the time of a save. The
    # manifest holds a stronger hash.
    previous = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state, path)
    finally:
        torch.serialization.set_crc32_options(previous)


def load_state(path: Path) -> dict[str, Any]:
    """The state in ``path``, tensors on the CPU."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    except Exception as error:  # torch raises many kinds for a damaged file
        raise CheckpointError(
            f"{path} is damaged or is no state file: {error}",
            hint="resume from an earlier checkpoint, or delete this file to start that part afresh",
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds a {type(state).__name__}, not a state")
    return state
