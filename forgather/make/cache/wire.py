"""An HTTP connection on which nothing waits past its time: not a name server, not a handshake, not
a server that sends a byte now and then.

http.client does the protocol; only its socket is ours. A plain socket timeout starts anew with every
byte that arrives, which is what a trickling server lives on. Here each send and receive gets the
time that the request in progress (:class:`~forgather.make.cache.patience.Wait`) has left. Knows nothing
about caches. No proxy is used.
"""

from __future__ import annotations

import http.client
import io
import queue
import select
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from forgather.make.cache.patience import Wait

PIECE = 1 << 16


class Unreachable(OSError):
    """No connection to the server came about."""


class Connection(http.client.HTTPConnection):
    """A connection that is kept open; ``wait`` is the request in progress."""

    wait: Wait

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port)
        self.default_port = 443 if context else 80
        self._context = context

    @property
    def is_open(self) -> bool:
        return self.sock is not None

    def connect(self) -> None:
        try:
            plain = _dial(self.host, self.port, self.wait)
        except OSError as error:
            raise Unreachable(error.strerror or str(error)) from error
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock: Any = _TimedSocket(self._secured(plain), self)
        except OSError as error:
            plain.close()
            raise Unreachable(error.strerror or str(error)) from error

    def _secured(self, plain: socket.socket) -> socket.socket:
        if self._context is None:
            return plain
        plain.settimeout(self.wait.seconds_left())
        return self._context.wrap_socket(plain, server_hostname=self.host)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Iterable[bytes] = (),
    ) -> http.client.HTTPResponse:
        """Send a request and read the head of the answer.

        A server may answer, and close, before it has read the whole body: it is full, or does not
        take uploads. That answer counts.
        """
        self.putrequest(method, path)
        for name, value in headers.items():
            self.putheader(name, value)
        self.endheaders()
        if self._send_body(body):
            return self.getresponse()
        response = self.getresponse()
        self.close()  # the rest of the body would be taken for the next request
        return response

    def _send_body(self, body: Iterable[bytes]) -> bool:
        """Send all of it; False where the server would not have it all."""
        try:
            for piece in body:
                if self._is_answered():
                    return False
                self.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def _is_answered(self) -> bool:
        """Whether an answer has come already. (Over TLS, what has come may be of the protocol's own.)"""
        if self._context is not None:
            return False
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return bool(poll.poll(0))


class _TimedSocket:
    """As much of a socket as http.client uses, with the time that the wait has left."""

    def __init__(self, real: socket.socket, owner: Connection) -> None:
        self._real = real
        self._owner = owner

    def sendall(self, data: Any) -> None:
        view = memoryview(data).cast("B")
        while view:
            self._real.settimeout(self._owner.wait.seconds_left())
            sent = self._real.send(view[:PIECE])
            self._owner.wait.moved += sent
            view = view[sent:]

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(_TimedReader(self._real, self._owner), PIECE)

    def fileno(self) -> int:
        return self._real.fileno()

    def close(self) -> None:
        self._real.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, real: socket.socket, owner: Connection) -> None:
        self._real = real
        self._raw = real.makefile("rb", buffering=0)  # keeps the socket open until it is closed
        self._owner = owner

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._real.settimeout(self._owner.wait.seconds_left())
        received = self._raw.readinto(buffer)
        self._owner.wait.moved += received or 0
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


def _dial(host: str, port: int, wait: Wait) -> socket.socket:
    """A connected socket: the first of the host's addresses that answers."""
    trouble: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _name, address in _addresses(host, port, wait.seconds_left()):
        candidate = socket.socket(family, kind, protocol)
        try:
            candidate.settimeout(wait.seconds_left())
            candidate.connect(address)
            return candidate
        except OSError as error:
            candidate.close()
            trouble = error
    raise trouble


def _addresses(host: str, port: int, seconds: float) -> list[Any]:
    """getaddrinfo knows no time limit, so it runs in a thread that may be left behind."""
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)
        except UnicodeError as error:
            answers.put(OSError(f"{host!r} is not a host name: {error}"))

    threading.Thread(target=look_up, name="forgather-resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"the name {host} was not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
