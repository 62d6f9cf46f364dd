"""Random number generators of the process: torch (CPU and every CUDA device), numpy, python.

Guarantee: numbers drawn after ``load_state_dict(state_dict())`` are those that would have been
drawn anyway. Generators that a component owns are its own state, not this module's business.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from typing import Any

import numpy
import torch


def capture() -> dict[str, Any]:
    kind, keys, position, has_gauss, cached = numpy.random.get_state()
    state = {
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": [
            str(kind),
            torch.from_numpy(keys.astype("int64")),
            int(position),
            int(has_gauss),
            float(cached),
        ],
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore(state: dict[str, Any]) -> None:
    torch.set_rng_state(state["torch"])
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = state["numpy"]
    numpy.random.set_state((kind, keys.numpy().astype("uint32"), position, has_gauss, cached))
    if "cuda" in state and torch.cuda.is_available():
        for device, device_state in enumerate(state["cuda"][: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(device_state, device)


@contextlib.contextmanager
def preserved() -> Iterator[None]:
    """Whatever is drawn inside does not move the generators outside."""
    state = capture()
    try:
        yield
    finally:
        restore(state)


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed % 2**32)


class RandomState:
    """The generators as a component. What is loaded is applied by :meth:`apply`, later.

    A resume builds data loaders and runs callbacks before its first step, and these may draw
    numbers; the state counts from the first step on.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        return capture()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._loaded = state_dict

    def apply(self) -> None:
        if self._loaded is not None:
            restore(self._loaded)
            self._loaded = None
