"""Uploads, later: no build waits for them.

A build leaves a note, an empty file named after the key, beside the checkout's own store: ``add``. A
process of its own (:mod:`forgather.make.cache.pusher`, started at the end of a build) uploads what the
notes name: the blobs first, the entry last, and only then removes the note. Killed at any point, it
leaves the note, and the next push does it again; uploading twice is harmless.

Notes and what they name come from the checkout's store, not from a cache that a group may share: so
nobody uploads, with their credentials and over their signature, what others left there. Entries are
signed when they are made and never afterwards.

One pusher works at a time (a lease, given back by the kernel when it dies). One more waits for it,
because notes may come while the first is about to end; any further one would find nothing to do and
leaves. Hence two locks: ``.next`` to be the one who waits, ``.lock`` to be the one who works. A note
that is being worked on is renamed to ``<key>.sending``, so that one added meanwhile (the same action,
run again) is not removed with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forgather.make.cache.remote import Remote, to_stderr
from forgather.make.cache.signing import Signer
from forgather.make.lock import lease

SENDING = ".sending"
CONNECTIONS = 4
LOG = "push.log"


class Source(Protocol):
    """Where entries and blobs are uploaded from: a DiskCache."""

    def read_entry_bytes(self, key: str) -> bytes | None: ...

    def blob_path(self, sha: str) -> Path: ...


@dataclass
class Pushed:
    """What a push did, in entries.

    gone: no longer in the store, so there is nothing to send. refused: too large for the server, or
    made before the key was set that they would have to be signed with; neither is tried again.
    """

    sent: int = 0
    gone: int = 0
    refused: int = 0
    failed: int = 0

    def __str__(self) -> str:
        parts = [f"{self.sent} uploaded"]
        parts += [f"{self.gone} no longer in the store"] if self.gone else []
        parts += [f"{self.refused} too large, or not signed"] if self.refused else []
        parts += [f"{self.failed} could not be uploaded and are kept"] if self.failed else []
        return ", ".join(parts)


def folder_name(url: str) -> str:
    """The name of a remote's outbox."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


class Outbox:
    """Notes in ``folder``, which is made when it is first needed."""

    def __init__(self, folder: Path, *, warn: Callable[[str], None] = to_stderr) -> None:
        self.folder = folder
        self._warn = warn
        self._told = False

    def add(self, key: str) -> None:
        """Note that the entry of ``key`` is to be uploaded. A disk that is full is only told, once."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / key).touch()
        except OSError as error:
            if not self._told:
                self._told = True
                self._warn(f"not everything will be uploaded: {self.folder}: {error.strerror}")

    def keys(self) -> list[str]:
        """What is waiting, and what was being sent when a pusher died."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted({name.removesuffix(SENDING) for name in names if _is_note(name)})

    def push(
        self, source: Source, remote: Remote, signer: Signer | None = None, *, wait: bool = True
    ) -> Pushed | None:
        """Upload what is waiting, and what comes meanwhile.

        wait: for others that push, to see that everything is done. Otherwise the result is None
            where one is at work and another waits for it already.
        """
        if not self.folder.is_dir():
            return Pushed()
        with ExitStack() as held:
            with lease(self.folder / ".next", wait=wait) as is_next:
                if not is_next:
                    return None
                held.enter_context(lease(self.folder / ".lock"))
            return self._push_all(source, remote, signer)

    def _push_all(self, source: Source, remote: Remote, signer: Signer | None) -> Pushed:
        done, tried = Pushed(), set()
        while remaining := [key for key in self.keys() if key not in tried]:
            tried.update(remaining)
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                for outcome in pool.map(
                    lambda key: self._push(key, source, remote, signer), remaining
                ):
                    setattr(done, outcome, getattr(done, outcome) + 1)
        return done

    def _push(self, key: str, source: Source, remote: Remote, signer: Signer | None) -> str:
        note, sending = self.folder / key, self.folder / f"{key}{SENDING}"
        with suppress(FileNotFoundError):  # left by a pusher that died
            os.replace(note, sending)
        outcome = _upload(key, source, remote, signer)
        with suppress(FileNotFoundError):  # someone removed the whole cache
            if outcome == "failed":
                os.replace(sending, note)
            else:
                os.unlink(sending)
        return outcome


def _is_note(name: str) -> bool:
    return not name.startswith(".") and name != LOG


def _upload(key: str, source: Source, remote: Remote, signer: Signer | None) -> str:
    """The blobs, then the entry that names them; what became of it, as a field of Pushed."""
    from forgather.make.storage.entry import Entry

    data = source.read_entry_bytes(key)
    try:
        entry = Entry.loads(data, key) if data is not None else None
    except ValueError:
        entry = None
    digests = sorted(set(entry.files.values())) if entry is not None else []
    if data is None or entry is None or not all(source.blob_path(sha).is_file() for sha in digests):
        return "gone"
    if signer is not None and not signer.accepts(data):
        return "refused"
    whole = all(remote.put_blob(sha, source.blob_path(sha)) for sha in digests)
    if whole and remote.put_entry(key, data):
        return "sent"
    paths = {f"ac/{key}", *(f"cas/{sha}" for sha in digests)}
    return "failed" if paths.isdisjoint(remote.refused) else "refused"
