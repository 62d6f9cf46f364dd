"""A remote cache server: ``GET``, ``HEAD`` and ``PUT`` of ``/ac/<key>`` and ``/cas/<sha256>``.

For a group in one network. It speaks plain HTTP: for the open internet, put a server that does TLS
in front of it, or in its place (docs/cache.md has a configuration of nginx). Any other path is 404.

What is put is written aside, fsynced and renamed, so that a reader gets a whole file or none and
``kill -9`` loses nothing that was acknowledged. A blob must hash to its name and an entry must be
JSON with its key, else 400 and nothing is kept. Names are sha256 in hex: nothing else reaches the disk.
"""

from __future__ import annotations

import base64
import binascii
import errno
import hashlib
import hmac
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from forgather.durable import fsync_path
from forgather.make.storage.disk_cache import DiskCache

NAME = re.compile(r"/(ac|cas)/([0-9a-f]{64})")
ENTRY_LIMIT = 64 << 20  # bytes
PIECE = 1 << 16
IDLE_SECONDS = 60
DRAIN_SECONDS = 2.0
UNFINISHED_SECONDS = 24 * 3600
ASIDE = "put-"
KINDS = {"ac": "application/json", "cas": "application/octet-stream"}


class Access:
    """Who may read and who may write.

    Without read tokens everyone reads; without write tokens nobody writes. A write token reads, too.
    A token is sent as ``Bearer TOKEN``, or as Basic credentials: ``user:password`` is the whole token.
    """

    def __init__(self, read_tokens: Iterable[str] = (), write_tokens: Iterable[str] = ()) -> None:
        self._writers = [token.encode() for token in write_tokens]
        self._readers = [token.encode() for token in read_tokens]

    @property
    def is_open(self) -> bool:
        return not self._readers

    @property
    def is_read_only(self) -> bool:
        return not self._writers

    def may_read(self, header: str | None) -> bool:
        return self.is_open or _is_one_of(header, self._readers + self._writers)

    def may_write(self, header: str | None) -> bool:
        return _is_one_of(header, self._writers)


def _is_one_of(header: str | None, tokens: list[bytes]) -> bool:
    """Compares with every token, each in constant time."""
    scheme, _, text = (header or "").strip().partition(" ")
    given = text.strip().encode()
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True)
        except binascii.Error:
            return False
    elif scheme.lower() != "bearer":
        return False
    matches = [hmac.compare_digest(given, token) for token in tokens]
    return True in matches


class Room:
    """How many bytes may still be stored. ``limit`` None: as many as the disk takes."""

    def __init__(self, limit: int | None, used: int) -> None:
        self.limit = limit
        self.used = used
        self.lock = threading.Lock()

    def reserve(self, size: int, replaced: int) -> bool:
        """replaced: bytes that are given back once this is stored."""
        with self.lock:
            if self.limit is not None and self.used + size - replaced > self.limit:
                return False
            self.used += size
            return True

    def give_back(self, size: int) -> None:
        with self.lock:
            self.used -= size


class CacheServer(ThreadingHTTPServer):
    """Serves ``directory``; ``serve_forever()`` it. Port 0 takes a free one."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        directory: Path,
        access: Access,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        max_size: int | None = None,
    ) -> None:
        self.cache = DiskCache(directory).create()
        remove_unfinished(directory)
        self.access = access
        self.room = Room(max_size, folder_size(directory))
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://[{host}]:{port}" if ":" in str(host) else f"http://{host}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def remove_unfinished(directory: Path) -> None:
    """Remove what uploads left behind when a server was killed; recent ones may be another's."""
    for path in (directory / "staging").glob(f"{ASIDE}*"):
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > UNFINISHED_SECONDS:
                path.unlink()


def file_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def folder_size(directory: Path) -> int:
    """Bytes of the entries and blobs in ``directory``."""
    size = 0
    for name in KINDS:
        with os.scandir(directory / name) as found:
            for item in found:
                with suppress(FileNotFoundError):
                    size += item.stat().st_size
    return size


class Refused(Exception):
    """An answer other than what was asked for."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Handler(BaseHTTPRequestHandler):
    server: CacheServer
    protocol_version = "HTTP/1.1"
    server_version = "forgather-cache"
    sys_version = ""
    timeout = IDLE_SECONDS
    wbufsize = PIECE  # head and body of a small answer in one packet

    def do_GET(self) -> None:
        self._answer(self._send_file)

    def do_HEAD(self) -> None:
        self._answer(self._send_file)

    def do_PUT(self) -> None:
        self._answer(self._receive_file)

    def handle_expect_100(self) -> bool:
        """Ask for the body only where it would be taken."""
        try:
            self._check_upload()
        except Refused as refused:
            self._refuse(refused)
            return False
        super().handle_expect_100()
        self.wfile.flush()  # the client waits for it
        return True

    def log_message(self, format: str, *args: Any) -> None:
        return  # a line per request of a build would be thousands

    # answering

    def _answer(self, action: Any) -> None:
        if self.command != "PUT" and (
            self.headers.get("Content-Length") or self.headers.get("Transfer-Encoding")
        ):
            self.close_connection = True  # a body nobody reads must not become the next request
        try:
            action()
        except Refused as refused:
            self._refuse(refused)

    def _refuse(self, refused: Refused) -> None:
        body = f"{refused}\n".encode()
        self.send_response(refused.status)
        if refused.status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="forgather cache"')
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        is_upload = self.command == "PUT"
        if is_upload:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        if is_upload:
            self.wfile.flush()
            self._drain()

    def _drain(self) -> None:
        """Read on for a moment: closing at once would cost the client the answer."""
        deadline = time.monotonic() + DRAIN_SECONDS
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self.connection.settimeout(left)
                if not self.connection.recv(PIECE):
                    break

    def _named(self) -> tuple[str, str]:
        """Kind and name of what is asked for. Nothing is decoded, so nothing can be smuggled."""
        match = NAME.fullmatch(self.path)
        if match is None:
            raise Refused(
                404, "there is only /ac/<key> and /cas/<sha256>, in 64 hexadecimal digits"
            )
        return match[1], match[2]

    def _send_file(self) -> None:
        if not self.server.access.may_read(self.headers.get("Authorization")):
            raise Refused(401, "credentials are needed")
        kind, name = self._named()
        with self._open(kind, name) as stream:
            self.send_response(200)
            self.send_header("Content-Type", KINDS[kind])
            self.send_header("Content-Length", str(os.fstat(stream.fileno()).st_size))
            self.end_headers()
            if self.command == "GET":
                shutil.copyfileobj(stream, self.wfile, PIECE)

    def _open(self, kind: str, name: str) -> BinaryIO:
        try:
            return open(self.server.cache.root / kind / name, "rb")
        except OSError as error:
            raise Refused(404, "not here") from error

    def _check_upload(self) -> tuple[str, str, int]:
        """Kind, name and length of an upload that is welcome so far."""
        header = self.headers.get("Authorization")
        if not self.server.access.may_write(header):
            known = header is not None and self.server.access.may_read(header)
            raise Refused(403 if known else 401, "these credentials do not allow uploads")
        kind, name = self._named()
        length = self.headers.get("Content-Length", "")
        if self.headers.get("Transfer-Encoding") or not re.fullmatch(r"[0-9]{1,15}", length):
            raise Refused(411, "an upload needs its Content-Length")
        if kind == "ac" and int(length) > ENTRY_LIMIT:
            raise Refused(413, "an entry is not that large")
        return kind, name, int(length)

    def _receive_file(self) -> None:
        kind, name, length = self._check_upload()
        room = self.server.room
        if not room.reserve(length, file_size(self.server.cache.root / kind / name)):
            raise Refused(507, f"this cache is full: it may hold {room.limit} bytes")
        stored = False
        try:
            replaced = self._store(kind, name, length)
            stored = True
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise  # the client has gone
            is_full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            status = 507 if is_full else 500
            raise Refused(status, f"the disk does not take it: {error.strerror}") from error
        finally:
            if not stored:
                room.give_back(length)
        room.give_back(replaced)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _store(self, kind: str, name: str, length: int) -> int:
        """Receive the body aside, check it, rename it. Gives the size of what it replaces."""
        root = self.server.cache.root
        descriptor, aside = tempfile.mkstemp(prefix=ASIDE, dir=root / "staging")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                digest = self._copy_body(stream, length)
                stream.flush()
                os.fsync(stream.fileno())
            if kind == "cas" and digest != name:
                raise Refused(400, f"the content has sha256 {digest}, not that of its name")
            if kind == "ac" and not _is_entry(Path(aside), name):
                raise Refused(400, "this is not the entry of that key")
            os.chmod(aside, 0o644)
            target = root / kind / name
            with self.server.room.lock:
                replaced = file_size(target)
                os.replace(aside, target)  # from here on it is there
            aside = ""
            fsync_path(target.parent)
            return replaced
        finally:
            if aside:
                os.unlink(aside)

    def _copy_body(self, stream: Any, length: int) -> str:
        digest = hashlib.sha256()
        while length:
            piece = self.rfile.read(min(PIECE, length))
            if not piece:
                raise ConnectionError("the client went away")
            length -= len(piece)
            digest.update(piece)
            stream.write(piece)
        return digest.hexdigest()


def _is_entry(path: Path, key: str) -> bool:
    try:
        fields = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and fields.get("key") == key
