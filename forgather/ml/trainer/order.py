"""The order of a shuffled epoch as a function: position -> index, for a (length, seed, epoch).

A Feistel network over the smallest even number of bits that holds ``length``, walked until the
result lies below it (Black and Rogaway, 2002, "Ciphers with Arbitrary Finite Domains"). So any
position is found without making the ones before it: a training resumes at position 10^9 as fast
as at 0, holds no permutation in memory, and the order never depends on a library's generator.
"""

from __future__ import annotations

import hashlib

import numpy as np

_ROUNDS = 8
_CHUNK = 4096


class ShuffledOrder:
    """A permutation of ``range(length)``; ``order(start, stop)`` is a piece of it."""

    def __init__(self, length: int, seed: int, epoch: int) -> None:
        self.length = length
        self._half = max(1, (max(length - 1, 1).bit_length() + 1) // 2)
        digest = hashlib.shake_256(f"forgather-order-1:{length}:{seed}:{epoch}".encode())
        self._keys = np.frombuffer(digest.digest(8 * _ROUNDS), dtype="<u8")
        self._cached = (-1, np.empty(0, dtype=np.int64))

    def __call__(self, start: int, stop: int) -> list[int]:
        indices: list[int] = []
        while start < stop:
            number = start // _CHUNK
            base = number * _CHUNK
            end = min(stop, base + _CHUNK)
            indices += self._chunk(number)[start - base : end - base].tolist()
            start = end
        return indices

    def _chunk(self, number: int) -> np.ndarray:
        """Positions are worked on by thousands: the network costs the same for one and for many."""
        if self._cached[0] != number:
            base = number * _CHUNK
            positions = np.arange(base, min(base + _CHUNK, self.length), dtype=np.uint64)
            self._cached = (number, self._permute(positions))
        return self._cached[1]

    def _permute(self, values: np.ndarray) -> np.ndarray:
        values = self._encrypt(values)
        while (outside := values >= self.length).any():
            values[outside] = self._encrypt(values[outside])
        return values.astype(np.int64)

    def _encrypt(self, values: np.ndarray) -> np.ndarray:
        half = np.uint64(self._half)
        mask = np.uint64((1 << self._half) - 1)
        left, right = values >> half, values & mask
        for key in self._keys:
            left, right = right, left ^ (_mix(right + key) & mask)
        return (left << half) | right


def _mix(values: np.ndarray) -> np.ndarray:
    """splitmix64's finalizer: every input bit moves every output bit (arithmetic modulo 2^64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def sequential_order(start: int, stop: int) -> list[int]:
    return list(range(start, stop))
