"""Whether torch's fused kernels take these parameters.

On a CPU torch's default (foreach) AdamW costs three times the fused one, so ours always asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch

_DEVICES = ("cpu", "cuda")


def materialized(params: Iterable[Any]) -> list[Any]:
    """``params`` as a list, those of groups too, so that it can be read more than once."""
    return [
        {**entry, "params": list(entry["params"])} if isinstance(entry, dict) else entry
        for entry in params
    ]


def can_fuse(params: list[Any]) -> bool:
    return all(
        tensor.device.type in _DEVICES and torch.is_floating_point(tensor)
        for entry in params
        for tensor in _tensors(entry)
    )


def _tensors(entry: Any) -> Iterable[torch.Tensor]:
    members = entry["params"] if isinstance(entry, dict) else [entry]
    return (member[1] if isinstance(member, tuple) else member for member in members)
