"""Bodies of answers of a remote cache, checked while they come in. Knows nothing about requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from forgather.make.storage.disk_cache import disk_errors

PIECE = 1 << 16


class Unwanted(Exception):
    """The server answered with something that cannot be what was asked for."""


class Sink(Protocol):
    """Takes the body of an answer. Both methods raise Unwanted for what it should not be."""

    def write(self, piece: bytes) -> object: ...

    def finish(self) -> None: ...


class Memory:
    """Keeps a body of up to ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self._limit = limit

    def write(self, piece: bytes) -> None:
        self.data += piece
        if len(self.data) > self._limit:
            raise Unwanted(f"it is longer than {self._limit} bytes")

    def finish(self) -> None:
        return


class Download:
    """Writes a body to a file beside ``target`` and checks that it is the blob ``sha``."""

    def __init__(self, stream: Any, target: Path, sha: str, size: int | None) -> None:
        self._stream = stream
        self._target = target
        self._sha = sha
        self._size = size
        self._count = 0
        self._digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        self._count += len(piece)
        if self._size is not None and self._count > self._size:
            raise Unwanted(f"it is longer than the {self._size} bytes it should have")
        self._digest.update(piece)
        with disk_errors(self._target):
            self._stream.write(piece)

    def finish(self) -> None:
        found = self._digest.hexdigest()
        if found != self._sha:
            raise Unwanted(f"its content is not what its name says (it has sha256 {found[:12]}...)")


def read_body(response: Any, sink: Sink | None) -> None:
    """Hand the body to ``sink``. Without one, read a short body, so that the connection stays fit."""
    if sink is None:
        response.read(PIECE)
        return
    while piece := response.read(PIECE):
        sink.write(piece)
    if response.length:
        raise ConnectionError(f"its answer broke off, {response.length} bytes short")
    sink.finish()


def pieces(stream: Any, size: int) -> Iterator[bytes]:
    """The bytes of a file, as many as were announced: it may be read a second time."""
    stream.seek(0)
    while size > 0 and (piece := stream.read(min(PIECE, size))):
        size -= len(piece)
        yield piece


def announced_length(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
