"""Uploads after a build: nothing is lost by whoever is killed, and nothing is sent that should not be."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from forgather.make.cache.outbox import LOG, SENDING, Outbox
from forgather.make.cache.pusher import start_push
from forgather.make.cache.remote import Remote
from forgather.make.cache.signing import Signer
from forgather.make.digest import FileDigests
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.entry import Entry, scan
from forgather.make.storage.store import Store
from tests.make.faulty_server import answer, serving, silent
from tests.make.serving import KEY, WRITER, cache_server, sha256

OTHER = "2" * 64
SIGNER = Signer(b"0123456789abcdef")


class Checkout:
    """A store with an outbox, as a build has it."""

    def __init__(self, root: Path, signer: Signer | None = None) -> None:
        self.root = root
        self.warnings: list[str] = []
        self.outbox = Outbox(root / "build/store/outbox/here")
        self.cache = DiskCache(root / "build/store")
        digests = FileDigests(root / "files.sqlite")
        self.store = Store(self.cache, digests, outbox=self.outbox, signer=signer)

    def make(self, key: str = KEY, **files: str) -> Entry:
        """Do what a build does with new outputs."""
        with self.store.staging("test") as folder:
            for name, text in (files or {"a": "one"}).items():
                (folder / name).write_text(text)
            return self.store.put(Entry(key, scan(folder, self.store.digests)), folder)

    def push(self, url: str, signer: Signer | None = None, **options):
        remote = Remote(url, token=WRITER, writable=True, patience=30, warn=self.warnings.append)
        done = self.outbox.push(self.cache, remote, signer, **options)
        remote.close()
        return done


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "checkout")


@pytest.fixture
def server(tmp_path):
    with cache_server(tmp_path / "served") as server:
        yield server


def put(heads: list[bytes]) -> list[str]:
    """The kinds of what was uploaded, in order."""
    return [head.split(b"/")[1].decode() for head in heads if head.startswith(b"PUT")]


def taking(connection: socket.socket, head: bytes) -> None:
    """Has nothing and takes everything."""
    if head.startswith(b"PUT"):
        length = int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
        while length:
            length -= len(connection.recv(length))
    connection.sendall(answer(201 if head.startswith(b"PUT") else 404))


def test_what_was_made_is_uploaded_once(checkout, server):
    checkout.make(a="one", b="two")
    assert checkout.outbox.keys() == [KEY]
    assert str(checkout.push(server.url)) == "1 uploaded"
    assert checkout.outbox.keys() == []
    reader = Remote(server.url)
    assert Entry.loads(reader.entry(KEY), KEY) == checkout.store.get(KEY)
    assert all(reader.has_blob(sha256(text), 3) for text in (b"one", b"two"))
    reader.close()
    assert checkout.push(server.url).sent == 0
    assert checkout.warnings == []


def test_the_entry_goes_last(checkout):
    checkout.make(a="one", b="two", c="one")
    with serving(taking) as server:
        assert checkout.push(server.url).sent == 1
    assert put(server.heads) == ["cas", "cas", "ac"]


def test_an_entry_without_all_its_blobs_there_is_not_uploaded(checkout):
    checkout.make(a="one", b="two")

    def behave(connection, head):
        if b"/cas/" + sha256(b"two").encode() in head:
            connection.sendall(answer(500))
        else:
            taking(connection, head)

    with serving(behave) as server:
        assert checkout.push(server.url).failed == 1
    assert "ac" not in put(server.heads)
    assert checkout.outbox.keys() == [KEY]


def test_a_pusher_that_is_killed_forgets_nothing(checkout, server):
    checkout.make()
    with serving(silent) as deaf:
        child = os.fork()
        if child == 0:
            remote = Remote(deaf.url, writable=True, patience=60, warn=lambda message: None)
            checkout.outbox.push(checkout.cache, remote)
            os._exit(0)
        wait_for(lambda: deaf.heads)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert [path.name for path in checkout.outbox.folder.glob("*1")] == []  # it was being sent
    assert (checkout.outbox.folder / f"{KEY}{SENDING}").exists()
    assert checkout.outbox.keys() == [KEY]
    assert checkout.push(server.url).sent == 1
    assert checkout.outbox.keys() == []


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.01)


def test_what_is_made_again_meanwhile_is_sent_again(checkout, server):
    checkout.make()

    def behave(connection, head):
        if head.startswith(b"PUT /ac/"):
            checkout.make()
        taking(connection, head)

    with serving(behave) as other:
        assert checkout.push(other.url).sent == 1
    assert checkout.outbox.keys() == [KEY]


def test_what_comes_meanwhile_goes_along(checkout):
    checkout.make()

    def behave(connection, head):
        if f"PUT /ac/{KEY}".encode() in head:
            checkout.make(OTHER, a="other")
        taking(connection, head)

    with serving(behave) as server:
        assert checkout.push(server.url).sent == 2
    assert checkout.outbox.keys() == []


def test_what_is_not_in_the_store_any_more_is_dropped(checkout, server):
    checkout.make()
    checkout.make(OTHER, b="other")
    checkout.cache.entry_path(KEY).unlink()
    checkout.cache.blob_path(sha256(b"other")).unlink()
    checkout.outbox.add("3" * 64)
    assert str(checkout.push(server.url)) == "0 uploaded, 3 no longer in the store"
    assert checkout.outbox.keys() == []


def test_a_full_server_is_asked_once_and_everything_is_kept(checkout, tmp_path):
    for number in range(9):
        checkout.make(str(number) * 64, a=f"text {number}")
    with cache_server(tmp_path / "served", max_size=3) as server:
        assert checkout.push(server.url).failed == 9
    assert len(checkout.outbox.keys()) == 9
    (warning,) = checkout.warnings
    assert "full" in warning
    with cache_server(tmp_path / "larger") as server:
        assert checkout.push(server.url).sent == 9


def test_what_a_server_finds_too_large_is_not_tried_for_ever(checkout):
    checkout.make(a="large" * 10, b="small")
    checkout.make(OTHER, c="also small")

    def behave(connection, head):
        length = head.partition(b"Content-Length: ")[2].partition(b"\r")[0]
        if length == b"50":
            connection.recv(50)
            connection.sendall(answer(413))
        else:
            taking(connection, head)

    with serving(behave) as server:
        assert str(checkout.push(server.url)) == "1 uploaded, 1 too large, or not signed"
    assert checkout.outbox.keys() == []
    assert "too large" in checkout.warnings[0]


def test_only_what_was_signed_when_it_was_made_is_uploaded(tmp_path, server):
    signed, unsigned = (Checkout(tmp_path / str(signer), signer) for signer in (SIGNER, None))
    for checkout in (signed, unsigned):
        checkout.make()
    assert str(unsigned.push(server.url, SIGNER)) == "0 uploaded, 1 too large, or not signed"
    assert Remote(server.url).entry(KEY) is None
    assert signed.push(server.url, SIGNER).sent == 1
    assert SIGNER.accepts(Remote(server.url).entry(KEY))


def test_one_works_and_one_waits_and_no_third(checkout, server):
    checkout.make()
    began, released = threading.Event(), threading.Event()

    def behave(connection, head):
        began.set()
        released.wait(20)
        taking(connection, head)

    results = []
    with serving(behave) as slow:
        first = threading.Thread(target=lambda: results.append(push_patiently(checkout, slow.url)))
        first.start()
        began.wait(20)
        second = threading.Thread(target=lambda: results.append(push_patiently(checkout, slow.url)))
        second.start()
        wait_for(lambda: is_held(checkout.outbox.folder / ".next"))
        assert checkout.push(server.url, wait=False) is None
        released.set()
        first.join()
        second.join()
    assert sorted(done.sent for done in results) == [0, 1]


def push_patiently(checkout, url):
    remote = Remote(url, writable=True, patience=60)
    try:
        return checkout.outbox.push(checkout.cache, remote)
    finally:
        remote.close()


def is_held(path: Path) -> bool:
    import fcntl

    if not path.exists():
        return False
    with open(path) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_notes_that_cannot_be_left_are_told_once_and_stop_nothing(tmp_path):
    (tmp_path / "file").touch()
    warnings = []
    outbox = Outbox(tmp_path / "file" / "outbox", warn=warnings.append)
    for key in (KEY, OTHER):
        outbox.add(key)
    (warning,) = warnings
    assert str(outbox.folder) in warning


# in a process of its own


@pytest.fixture
def settings(monkeypatch, server, tmp_path):
    """The environment of a build that uploads; the current folder has a ``forgather`` of its own."""
    for name, value in {"URL": server.url, "TOKEN": WRITER, "MODE": "read-write"}.items():
        monkeypatch.setenv(f"FORGATHER_CACHE_{name}", value)
    (tmp_path / "cwd" / "forgather").mkdir(parents=True)
    (tmp_path / "cwd" / "forgather" / "__init__.py").write_text("raise SystemExit('not mine')")
    monkeypatch.chdir(tmp_path / "cwd")
    from forgather.make.cache.settings import CacheSettings

    return CacheSettings.load(root=tmp_path / "checkout")


def test_a_process_uploads_in_the_background(checkout, settings, server):
    outbox = settings.outbox(checkout.root)
    assert start_push(checkout.root, outbox) is None  # nothing is waiting, so none is started
    checkout.make()
    outbox.add(KEY)
    process = start_push(checkout.root, outbox)
    assert process.wait(timeout=60) == 0
    assert outbox.keys() == []
    assert (outbox.folder / LOG).read_text() == "1 uploaded\n"
    assert (server.cache.root / "ac" / KEY).exists()


def test_the_process_says_what_went_wrong(checkout, settings, monkeypatch):
    monkeypatch.setenv("FORGATHER_CACHE_TOKEN", "writer:wrong")
    outbox = settings.outbox(checkout.root)
    checkout.make()
    outbox.add(KEY)
    assert start_push(checkout.root, outbox).wait(timeout=60) == 1
    assert outbox.keys() == [KEY]
    assert "credentials" in (outbox.folder / LOG).read_text()
