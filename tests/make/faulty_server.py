"""Servers that do what a cache server should not: silent, trickling, cut off, full.

A behaviour gets the socket of a connection and the head of the request on it, and does what it likes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Behaviour = Callable[[socket.socket, bytes], None]


class FaultyServer:
    """Listens on a port of 127.0.0.1; ``heads`` are the requests that came."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._open: list[socket.socket] = []
        self.heads: list[bytes] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while head := read_head(connection):
                self.heads.append(head)
                self._behaviour(connection, head)

    def stop(self) -> None:
        for one in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def serving(behaviour: Behaviour) -> Iterator[FaultyServer]:
    server = FaultyServer(behaviour)
    try:
        yield server
    finally:
        server.stop()


def read_head(connection: socket.socket) -> bytes:
    """The head of the next request; empty where the client has closed."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        head += byte
    return head


def answer(status: int, body: bytes = b"", *, length: int | None = None, extra: str = "") -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status} X\r\nContent-Length: {size}\r\n{extra}\r\n".encode() + body


def always(data: bytes) -> Behaviour:
    """The same answer to every request."""
    return lambda connection, head: connection.sendall(data)


def silent(connection: socket.socket, head: bytes) -> None:
    """Takes the request and never answers."""
    connection.recv(1)


def trickling(data: bytes, seconds: float = 0.02) -> Behaviour:
    """Sends ``data`` byte by byte."""

    def behave(connection: socket.socket, head: bytes) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(seconds)

    return behave


def cut_off(data: bytes) -> Behaviour:
    """Sends ``data`` and closes."""

    def behave(connection: socket.socket, head: bytes) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return behave
