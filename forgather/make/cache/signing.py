"""Signatures of entries: HMAC-SHA256 over an entry's canonical JSON without its ``signature``.

Whoever has the key can make and check signatures; a cache server needs neither. Blobs are not
signed: a signed entry names them by digest. An old entry of the same key that is offered again
passes, which is what a cache is for.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from typing import Any

from forgather.make.cache.remote import to_stderr
from forgather.make.digest import canonical_json

FIELD = "signature"


class Signer:
    """Signs entries with ``key`` and tells those that were signed with it.

    warn: gets one line about the first entry that is not accepted; a cache that holds one such
        entry mostly holds many.
    """

    def __init__(self, key: bytes, *, warn: Callable[[str], None] = to_stderr) -> None:
        self._key = key
        self._warn = warn
        self._lock = threading.Lock()
        self.rejected = 0

    def sign(self, data: bytes) -> bytes:
        """The entry with a signature, in place of any other it had."""
        fields = json.loads(data)
        fields[FIELD] = self._signature(fields)
        return canonical_json(fields).encode()

    def accepts(self, data: bytes) -> bool:
        """Whether these very bytes are an entry signed with the key."""
        problem = self._problem(data)
        if problem is None:
            return True
        with self._lock:
            self.rejected += 1
            is_first = self.rejected == 1
        if is_first:
            self._warn(f"entries of the shared cache are rejected, among them {problem}")
        return False

    def _problem(self, data: bytes) -> str | None:
        try:
            fields = json.loads(data)
            given = fields[FIELD] if isinstance(fields, dict) and FIELD in fields else None
            if given is None:
                return f"{_name(fields)}: it is not signed"
            expected = self._signature(fields)
            # The bytes, too: what another parser might read out of them is then the same.
            same_bytes = canonical_json({**fields, FIELD: expected}).encode() == data
        except (ValueError, RecursionError):
            return "one that is not JSON"
        if not (isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())):
            return f"{_name(fields)}: it was altered, or signed with another key"
        return None if same_bytes else f"{_name(fields)}: it was written anew"

    def _signature(self, fields: dict[str, Any]) -> str:
        unsigned = {name: value for name, value in fields.items() if name != FIELD}
        text = canonical_json(unsigned).encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()


def _name(fields: Any) -> str:
    key = fields.get("key") if isinstance(fields, dict) else None
    return f"ac/{key[:64]}" if isinstance(key, str) and key.isalnum() else "one without a key"
