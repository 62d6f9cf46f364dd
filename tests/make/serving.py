"""A cache server in a thread, and data to put into it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forgather.make.cache.server import Access, CacheServer

KEY = "1" * 64
WRITER = "writer:secret"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def entry_bytes(key: str = KEY, **fields: object) -> bytes:
    return json.dumps({"key": key, **fields}).encode()


@contextmanager
def cache_server(folder: Path, access: Access | None = None, **options) -> Iterator[CacheServer]:
    """Everyone reads and WRITER writes, unless ``access`` says otherwise."""
    with CacheServer(folder, access or Access(write_tokens=[WRITER]), **options) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
