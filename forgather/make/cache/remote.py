"""The remote cache: ``GET``, ``HEAD`` and ``PUT`` of ``/ac/<key>`` and ``/cas/<sha256>``.

This is the protocol of bazel-remote; a web server that allows PUT speaks it too. Nothing here raises
for what a server or a network does. A remote that answers too slowly, wrongly or not at all is
switched off for the rest of the process, with one warning, before it has cost more than its
:class:`~forgather.make.cache.patience.Patience`. Blobs are checked against their names. What an entry says,
and whether it is signed, is for the caller to judge.

Things that are quickly made (``quick``) have a part of the patience only: a server that is too far away
for a thousand configs may still have the training.

All methods may be called from several threads at once. The network modules are imported with the
first request: a build that is up to date asks nothing.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from forgather.make.cache.bodies import (
    Download,
    Memory,
    Sink,
    Unwanted,
    announced_length,
    pieces,
    read_body,
)
from forgather.make.cache.patience import MINIMUM_RATE, Patience, Wait
from forgather.make.storage.disk_cache import disk_errors

if TYPE_CHECKING:
    from forgather.make.cache.wire import Connection

ENTRY_LIMIT = 64 << 20  # bytes; entries are small
QUICK_WORTH = 0.01  # seconds that a quickly made thing takes; and an entry alone spares no more
QUICK_PART = 4  # quickly made things get a quarter of the patience
EMPTY_SHA256 = hashlib.sha256().hexdigest()


def to_stderr(message: str) -> None:
    sys.stderr.write(f"forgather: {message}\n")


def authorization(token: str) -> str:
    """The header for ``user:password`` (Basic) or anything else (a bearer token)."""
    if ":" in token:
        return "Basic " + base64.b64encode(token.encode()).decode()
    return f"Bearer {token}"


@dataclass
class Request:
    """What is asked. size: of the body, where there is one; length: what the answer's head says.

    worth: seconds that the answer spares, where that is known. quick: it is about something that is
    quickly made.
    """

    method: str
    path: str
    body: Callable[[], Iterable[bytes]] = tuple
    size: int | None = None
    sink: Sink | None = None
    worth: float | None = None
    quick: bool = False
    length: int | None = field(default=None, init=False)


class Remote:
    """A cache at ``url``; ``writable`` is whether uploads are meant to happen at all.

    patience: seconds that this process may lose to the server in all.
    rate: bytes per second that count as keeping up.
    warn: gets each warning, one line.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        writable: bool = False,
        patience: float = 1.0,
        rate: float = MINIMUM_RATE,
        warn: Callable[[str], None] = to_stderr,
    ) -> None:
        self.url = url.rstrip("/")
        self.writable = writable
        self.patience = Patience(patience)
        self.quick_patience = Patience(patience / QUICK_PART)
        self.off: str | None = None  # why nothing is asked any more
        self.writes_off: str | None = None  # why nothing is uploaded any more
        self.refused: set[str] = set()  # paths that it will never take
        self._rate = rate
        self._warn = warn
        self._headers = {"User-Agent": "forgather"}
        if token:
            self._headers["Authorization"] = authorization(token)
        self._parts = urlsplit(self.url)
        self._context: Any = None
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._told_quick = False

    @property
    def is_on(self) -> bool:
        return self.off is None

    @property
    def takes_uploads(self) -> bool:
        return self.writable and self.off is None and self.writes_off is None

    def entry(self, key: str, *, quick: bool = False) -> bytes | None:
        """The bytes of an entry, as the server has them; None where it has none."""
        sink = Memory(ENTRY_LIMIT)
        request = Request("GET", f"ac/{key}", sink=sink, worth=QUICK_WORTH, quick=quick)
        return bytes(sink.data) if self._ask(request) == 200 else None

    def blob(
        self,
        sha: str,
        target: Path,
        size: int | None = None,
        *,
        quick: bool = False,
    ) -> bool:
        """Put the blob at ``target``: whole, with the digest of its name, or not at all.

        size: how long it must be, where that is known: a longer one is refused while it comes in.
        Raises BuildError (FG601) where the disk cannot be written.
        """
        if not self.is_on:
            return False
        with disk_errors(target):
            descriptor, aside = tempfile.mkstemp(prefix=f".{sha[:12]}.", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                sink = Download(stream, target, sha, size)
                worth = QUICK_WORTH if quick else None
                request = Request("GET", f"cas/{sha}", sink=sink, worth=worth, quick=quick)
                if self._ask(request) != 200:
                    return False
                with disk_errors(target):
                    stream.flush()
                    os.fsync(stream.fileno())
            os.chmod(aside, 0o644)
            os.replace(aside, target)
            aside = ""
            return True
        finally:
            if aside:
                os.unlink(aside)

    def has_blob(self, sha: str, size: int | None = None) -> bool:
        """Whether the server has the blob; with ``size``, whether it is that long."""
        request = Request("HEAD", f"cas/{sha}")
        return self._ask(request) == 200 and (size is None or request.length in (None, size))

    def put_entry(self, key: str, data: bytes) -> bool:
        return self._put(f"ac/{key}", len(data), lambda: [data])

    def put_blob(self, sha: str, source: Path) -> bool:
        """Upload a file unless the server has it. A file that is not ``sha`` any more is refused."""
        if not self.takes_uploads:
            return False
        try:
            with open(source, "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                if self.has_blob(sha, size):
                    return True
                if hashlib.file_digest(stream, "sha256").hexdigest() != sha:
                    self._warn(f"{source} is damaged and is not uploaded to {self.url}")
                    return False
                return self._put(f"cas/{sha}", size, lambda: pieces(stream, size))
        except OSError as error:
            self._warn(f"{source} cannot be read and is not uploaded: {error.strerror}")
            return False

    def probe(self) -> str | None:
        """None where the server answers as a cache does, else what is wrong."""
        self._ask(Request("HEAD", f"cas/{EMPTY_SHA256}"))
        return self.off

    def close(self) -> None:
        """Close idle connections; a later request opens one again."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # asking

    def _put(self, path: str, size: int, body: Callable[[], Iterable[bytes]]) -> bool:
        if not self.takes_uploads:
            return False
        return self._ask(Request("PUT", path, body, size)) in (200, 201, 204)

    def _ask(self, request: Request) -> int | None:
        """The status of the answer; None where it was of no use. Charges the patience."""
        from http.client import HTTPException

        if not self.is_on or (request.quick and self.quick_patience.is_over):
            return None
        budgets = [self.patience, *([self.quick_patience] if request.quick else [])]
        wait = Wait(*budgets, worth=request.worth, rate=self._rate)
        try:
            status, location = self._exchange(wait, request)
        except Unwanted as error:
            wait.failed()
            self._warn(f"remote cache {self.url}: {request.path} is left alone: {error}")
            self._give_up_if_over("its answers cannot be used")
            return None
        except (OSError, HTTPException) as error:
            self._count_failure(wait, error)
            return None
        return self._judge(wait, request, status, location)

    def _exchange(self, wait: Wait, request: Request) -> tuple[int, str | None]:
        """One request and its answer, on a connection that goes back to the others if it is fit."""
        connection = self._connection()
        connection.wait = wait
        try:
            response = self._send(connection, request)
            request.length = announced_length(response.getheader("Content-Length"))
            read_body(response, request.sink if response.status == 200 else None)
        except BaseException:
            connection.close()
            raise
        if connection.is_open and response.isclosed() and self.is_on:
            with self._lock:
                self._idle.append(connection)
        else:
            response.close()
            connection.close()
        return response.status, response.getheader("Location")

    def _send(self, connection: Connection, request: Request) -> Any:
        """Ask once; and once more where the server had closed a connection that was kept open."""
        path, headers = f"{self._parts.path}/{request.path}", self._headers
        if request.size is not None:
            headers = {**headers, "Content-Length": str(request.size)}
        if connection.is_open:
            try:
                return connection.ask(request.method, path, headers, request.body())
            except TimeoutError:
                raise
            except OSError:  # http.client's RemoteDisconnected is one, too
                connection.close()
        return connection.ask(request.method, path, headers, request.body())

    def _connection(self) -> Connection:
        from forgather.make.cache.wire import Connection

        with self._lock:
            if self._idle:
                return self._idle.pop()
            secure = self._parts.scheme == "https"
            if secure and self._context is None:
                import ssl

                self._context = ssl.create_default_context()
        host = self._parts.hostname
        assert host is not None
        return Connection(host, self._parts.port or (443 if secure else 80), self._context)

    # judging

    def _judge(self, wait: Wait, request: Request, status: int, location: str | None) -> int | None:
        is_upload = request.method == "PUT"
        if status in (200, 201, 204) or (status == 404 and request.method == "HEAD"):
            wait.useful()  # that a blob is still to be uploaded is an answer, too
            self._give_up_if_over("it is too slow")
        elif status in (404, 410) and not is_upload:
            wait.missed()
            self._give_up_if_over("it is too slow")
        elif 300 <= status < 400:
            self._give_up(f"it answers with a redirect to {location}; name that place instead")
        elif is_upload and (reason := _refusal(status)):
            wait.missed()
            self._give_up_writing(f"{reason} ({status})")
        elif status in (401, 403):
            known = "Authorization" in self._headers
            reason = "refuses the credentials" if known else "wants credentials"
            self._give_up(f"it {reason} ({status}); set FORGATHER_CACHE_TOKEN")
        elif is_upload and status == 413:
            wait.missed()
            self.refused.add(request.path)
            self._warn(f"remote cache {self.url}: {request.path} is too large for it ({status})")
        else:
            wait.failed()
            self._give_up_if_over(f"it fails ({request.method} {request.path} gave {status})")
        return status

    def _count_failure(self, wait: Wait, error: Exception) -> None:
        from forgather.make.cache.wire import Unreachable

        text = str(error) or type(error).__name__
        wait.failed()
        if isinstance(error, Unreachable):
            self._give_up(f"it cannot be reached ({text})")
        elif isinstance(error, TimeoutError):
            self._give_up_if_over("it is too slow")
        else:
            self._give_up_if_over(f"it fails ({text})")

    def _give_up_if_over(self, reason: str) -> None:
        if self.patience.is_over:
            self._give_up(f"{reason}; it was given {self.patience.full:g} s in all")
        elif self.quick_patience.is_over:
            self._tell_quick(reason)

    def _give_up(self, reason: str) -> None:
        with self._lock:
            if self.off is not None:
                return
            self.off = reason
        self._warn(f"remote cache {self.url} is switched off for this run: {reason}")
        self.close()

    def _give_up_writing(self, reason: str) -> None:
        with self._lock:
            if self.writes_off is not None:
                return
            self.writes_off = reason
        self._warn(f"remote cache {self.url} gets no more uploads: {reason}")

    def _tell_quick(self, reason: str) -> None:
        with self._lock:
            if self._told_quick:
                return
            self._told_quick = True
        self._warn(f"remote cache {self.url} is asked no more for what is quickly made: {reason}")


def _refusal(status: int) -> str | None:
    """Why a server takes no uploads at all; None where the status is about this one."""
    return {
        401: "the credentials do not allow it",
        403: "the credentials do not allow it",
        405: "it takes none",
        501: "it takes none",
        507: "it is full",
    }.get(status)
