"""The client of the remote cache, against servers that behave and servers that do not."""

from __future__ import annotations

import resource
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from forgather.errors import BuildError
from forgather.make.cache.remote import Remote
from tests.make.faulty_server import (
    always,
    answer,
    cut_off,
    serving,
    silent,
    trickling,
)
from tests.make.serving import KEY, WRITER, cache_server, entry_bytes, sha256

SHORT = 0.25  # seconds of patience, where a test would only wait longer with more
LOOSE_SECONDS = 5.0  # a remote may cost about one second; this only tells it from minutes


@pytest.fixture
def cache_url(tmp_path):
    with cache_server(tmp_path / "served") as server:
        yield server.url


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def connect(warnings):
    """Makes remotes whose warnings are collected, and closes them."""
    made = []

    def make(url: str, **options) -> Remote:
        made.append(Remote(url, warn=warnings.append, **options))
        return made[-1]

    yield make
    for remote in made:
        remote.close()


def test_what_was_put_is_there(cache_url, connect, tmp_path, warnings):
    writer = connect(cache_url, token=WRITER, writable=True)
    reader = connect(cache_url)
    data = bytes(range(256)) * 4096
    (tmp_path / "file").write_bytes(data)
    assert reader.entry(KEY) is None
    assert not reader.has_blob(sha256(data))
    assert not reader.blob(sha256(data), tmp_path / "copy")
    assert writer.put_blob(sha256(data), tmp_path / "file")
    assert writer.put_entry(KEY, entry_bytes())
    assert reader.entry(KEY) == entry_bytes()
    assert reader.has_blob(sha256(data), len(data))
    assert reader.blob(sha256(data), tmp_path / "copy", len(data))
    assert (tmp_path / "copy").read_bytes() == data
    assert reader.probe() is None
    assert warnings == []


def test_an_empty_blob_and_a_prefix_in_the_url(connect, tmp_path):
    with serving(always(answer(200))) as server:
        remote = connect(f"{server.url}/deep/cache/")
        assert remote.blob(sha256(b""), tmp_path / "empty")
        assert (tmp_path / "empty").read_bytes() == b""
        assert server.heads[0].startswith(f"GET /deep/cache/cas/{sha256(b'')} HTTP/1.1".encode())


def test_a_connection_is_used_again_and_replaced_when_the_server_closed_it(connect):
    calls = []

    def behave(connection, head):
        calls.append(connection)
        connection.sendall(answer(404))
        if len(calls) == 2:
            connection.shutdown(socket.SHUT_RDWR)

    with serving(behave) as server:
        remote = connect(server.url)
        for _ in range(2):
            assert remote.entry(KEY) is None
        time.sleep(0.05)  # the server's end arrives
        assert remote.entry(KEY) is None
    assert calls[0] is calls[1] is not calls[2]
    assert remote.is_on


def test_a_blob_that_the_server_has_is_not_sent_again(connect, tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    with serving(always(answer(200, length=3))) as server:
        assert connect(server.url, writable=True).put_blob(sha256(b"abc"), tmp_path / "file")
    assert [head[:4] for head in server.heads] == [b"HEAD"]


def test_a_file_that_is_damaged_is_not_uploaded(cache_url, connect, tmp_path, warnings):
    (tmp_path / "file").write_bytes(b"altered")
    remote = connect(cache_url, token=WRITER, writable=True)
    assert not remote.put_blob(sha256(b"original"), tmp_path / "file")
    assert "damaged" in warnings[0]
    assert not remote.put_blob(sha256(b"original"), tmp_path / "missing")
    assert "cannot be read" in warnings[1]


def test_nothing_is_uploaded_to_a_remote_that_is_read_only(connect, tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    with serving(always(answer(201))) as server:
        remote = connect(server.url)
        assert not remote.put_entry(KEY, entry_bytes())
        assert not remote.put_blob(sha256(b"abc"), tmp_path / "file")
    assert server.heads == []


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b"poison", None),
        (b"poison", 6),
        (b"far too long for it", 6),
    ],
    ids=["other bytes", "other bytes of that size", "too long"],
)
def test_a_wrong_blob_is_refused_and_named(connect, tmp_path, warnings, body, size):
    sha = sha256(b"wanted")
    with serving(always(answer(200, body))) as server:
        remote = connect(server.url)
        assert not remote.blob(sha, tmp_path / "target", size)
    assert list(tmp_path.iterdir()) == []
    (warning,) = warnings
    assert f"cas/{sha}" in warning
    assert remote.is_on


def test_a_server_of_wrong_blobs_is_given_up(connect, tmp_path, warnings):
    with serving(always(answer(200, b"poison"))) as server:
        remote = connect(server.url)
        for number in range(20):
            assert not remote.blob(sha256(bytes([number])), tmp_path / "target")
    assert not remote.is_on
    assert "switched off" in warnings[-1]
    assert len(warnings) <= 6


@pytest.mark.parametrize("length", [9, None], ids=["announced", "not announced"])
def test_a_truncated_blob_is_refused(connect, tmp_path, length):
    whole = b"truncated"
    head = (
        answer(200, whole[:4], length=length) if length else b"HTTP/1.0 200 X\r\n\r\n" + whole[:4]
    )
    with serving(cut_off(head)) as server:
        remote = connect(server.url)
        assert not remote.blob(sha256(whole), tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_a_blob_cut_off_keeps_what_was_there(connect, tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    with serving(cut_off(answer(200, b"half", length=1000))) as server:
        assert not connect(server.url).blob(sha256(b"half"), tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"old"


def test_a_truncated_entry_is_a_miss(connect):
    with serving(cut_off(answer(200, entry_bytes()[:10], length=100))) as server:
        assert connect(server.url).entry(KEY) is None


def ask_until_off(remote: Remote, folder: Path, *, limit: int = 10000) -> int:
    """How many requests it took."""
    for count in range(limit):
        if not remote.is_on:
            return count
        remote.entry(KEY)
        remote.blob(sha256(b"x"), folder / "target")
    raise AssertionError("the remote is never switched off")


FAULTS = {
    "never answers": silent,
    "trickles the head": trickling(answer(200, b"x")),
    "trickles the body": trickling(answer(200, b"x" * 20, length=1 << 20), 0.05),
    "says 500": always(answer(500, b"oh dear")),
    "says 503": always(answer(503)),
    "talks nonsense": always(b"220 mail.example.org ESMTP\r\n"),
    "closes at once": cut_off(b""),
    "closes in the head": cut_off(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "redirects": always(answer(302, extra="Location: http://elsewhere/\r\n")),
}


@pytest.mark.parametrize("behaviour", FAULTS.values(), ids=FAULTS)
def test_a_server_that_misbehaves_is_switched_off_with_one_warning(
    connect, tmp_path, warnings, behaviour
):
    with serving(behaviour) as server:
        remote = connect(server.url, patience=SHORT)
        began = time.monotonic()
        ask_until_off(remote, tmp_path)
        assert time.monotonic() - began < LOOSE_SECONDS
        asked = len(server.heads)
        assert remote.entry(KEY) is None
        assert not remote.has_blob(sha256(b"x"))
        assert not remote.blob(sha256(b"x"), tmp_path / "target")
        assert len(server.heads) == asked  # nobody is asked any more
    (warning,) = [text for text in warnings if "switched off" in text]
    assert server.url in warning
    assert remote.off is not None


def test_slow_misses_are_only_borne_for_a_while(connect, tmp_path, warnings):
    def slow(connection, head):
        time.sleep(0.04)
        connection.sendall(answer(404))

    with serving(slow) as server:
        remote = connect(server.url, patience=SHORT)
        began = time.monotonic()
        assert ask_until_off(remote, tmp_path) > 3
        assert time.monotonic() - began < LOOSE_SECONDS
    assert "too slow" in warnings[0]


def test_hits_that_come_in_time_never_switch_a_remote_off(connect):
    """Many times the patience is spent on answers; none of it is lost."""

    def behave(connection, head):
        time.sleep(0.003)
        connection.sendall(answer(200, entry_bytes()))

    with serving(behave) as server:
        remote = connect(server.url, patience=0.1)
        assert all(remote.entry(KEY) == entry_bytes() for _ in range(80))
    assert remote.is_on


def delayed(seconds: float, data: bytes):
    def behave(connection, head):
        time.sleep(seconds)
        connection.sendall(data)

    return behave


@pytest.mark.parametrize("data", [answer(404), answer(200, entry_bytes())], ids=["misses", "hits"])
def test_a_server_far_away_is_soon_asked_only_for_what_took_long(connect, tmp_path, warnings, data):
    """A thousand configs that are rendered in no time must not cost the one training its hit."""
    with serving(delayed(0.06, data)) as server:
        remote = connect(server.url)
        while not remote.quick_patience.is_over:
            remote.entry(KEY, quick=True)
            assert len(server.heads) < 30
        asked = len(server.heads)
        assert remote.entry(KEY, quick=True) is None
        assert not remote.blob(sha256(b"x"), tmp_path / "target", quick=True)
        assert len(server.heads) == asked
        remote.entry(KEY)
        assert len(server.heads) == asked + 1
    assert remote.is_on
    (warning,) = warnings
    assert "quickly made" in warning


def test_threads_wait_side_by_side(connect, tmp_path, warnings):
    with serving(silent) as server:
        remote = connect(server.url, patience=SHORT)
        threads = [threading.Thread(target=remote.entry, args=[KEY]) for _ in range(16)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < LOOSE_SECONDS
    assert not remote.is_on
    assert len(warnings) == 1


def test_nobody_at_home(connect, warnings):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    remote = connect(url)
    assert remote.entry(KEY) is None
    assert not remote.is_on
    assert remote.entry(KEY) is None
    assert warnings == [
        f"remote cache {url} is switched off for this run: it cannot be reached (Connection refused)"
    ]
    assert remote.probe() is not None


def test_a_name_server_that_does_not_answer(connect, warnings, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_keywords: released.wait(60))
    began = time.monotonic()
    assert connect("http://cache.example.org", patience=SHORT).entry(KEY) is None
    released.set()
    assert time.monotonic() - began < LOOSE_SECONDS
    assert "not resolved" in warnings[0]


def test_a_host_that_cannot_be(connect, warnings):
    assert connect(f"http://{'x' * 70}.invalid").entry(KEY) is None
    assert "cannot be reached" in warnings[0]


def test_a_server_that_accepts_nothing(connect, warnings):
    """The backlog is full: connecting itself takes for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        began = time.monotonic()
        assert connect(f"http://127.0.0.1:{address[1]}", patience=SHORT).entry(KEY) is None
        assert time.monotonic() - began < LOOSE_SECONDS
        for filler in fillers:
            filler.close()
    assert "switched off" in warnings[0]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("token", "word"), [(None, "wants"), ("a:b", "refuses")])
def test_wrong_credentials_are_told_once(connect, tmp_path, warnings, status, token, word):
    with serving(always(answer(status))) as server:
        remote = connect(server.url, token=token)
        ask_until_off(remote, tmp_path)
    (warning,) = warnings
    assert word in warning
    assert "FORGATHER_CACHE_TOKEN" in warning
    assert "b" not in warning.replace(server.url, "").split("(")[1].split(")")[0]


@pytest.mark.parametrize(
    ("token", "header"),
    [("user:pass word", b"Basic dXNlcjpwYXNzIHdvcmQ="), ("abc.def", b"Bearer abc.def")],
)
def test_credentials_are_sent(connect, token, header):
    with serving(always(answer(404))) as server:
        connect(server.url, token=token).entry(KEY)
    assert b"Authorization: " + header + b"\r\n" in server.heads[0]


@pytest.mark.parametrize(
    ("status", "words"),
    [(507, "full"), (403, "credentials"), (401, "credentials"), (405, "takes none")],
)
def test_a_server_that_takes_no_uploads_is_still_read(connect, tmp_path, warnings, status, words):
    (tmp_path / "large").write_bytes(b"x" * (8 << 20))

    def behave(connection, head):
        if head.startswith(b"PUT"):
            connection.sendall(answer(status))
            connection.shutdown(socket.SHUT_RDWR)  # with the body still on its way
        else:
            is_entry = head.startswith(b"GET /ac/")
            connection.sendall(answer(200, entry_bytes()) if is_entry else answer(404))

    with serving(behave) as server:
        remote = connect(server.url, writable=True)
        for _ in range(10):
            assert not remote.put_blob(sha256(b"x" * (8 << 20)), tmp_path / "large")
            assert not remote.put_entry(KEY, entry_bytes())
        assert remote.entry(KEY) == entry_bytes()
    assert not remote.takes_uploads
    assert remote.is_on
    (warning,) = warnings
    assert words in warning
    assert len([head for head in server.heads if head.startswith(b"PUT")]) <= 2


def test_an_upload_ends_when_it_is_answered(connect, tmp_path, warnings):
    """A server that refuses a large file may go on reading it for politeness."""
    data = b"x" * (64 << 20)
    (tmp_path / "large").write_bytes(data)
    received = []

    def behave(connection, head):
        if head.startswith(b"PUT"):
            connection.sendall(answer(507))
            while piece := connection.recv(1 << 20):
                received.append(len(piece))
        connection.sendall(answer(404))

    with serving(behave) as server:
        remote = connect(server.url, writable=True, patience=60)
        assert not remote.put_blob(sha256(data), tmp_path / "large")
    assert "full" in warnings[0]
    assert sum(received) < len(data)


def test_a_blob_too_large_for_a_server_does_not_stop_the_others(connect, tmp_path, warnings):
    def behave(connection, head):
        if head.startswith(b"PUT"):
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r")[0])
            connection.recv(length)
            connection.sendall(answer(413 if length > 10 else 201))
        else:
            connection.sendall(answer(404))

    for name in (b"small", b"rather large"):
        (tmp_path / name.decode()).write_bytes(name)
    with serving(behave) as server:
        remote = connect(server.url, writable=True)
        assert not remote.put_blob(sha256(b"rather large"), tmp_path / "rather large")
        assert remote.put_blob(sha256(b"small"), tmp_path / "small")
    assert "too large" in warnings[0]


def test_a_server_that_does_not_read_uploads(connect, tmp_path, warnings):
    data = b"x" * (16 << 20)
    (tmp_path / "file").write_bytes(data)

    def behave(connection, head):
        if head.startswith(b"HEAD"):
            connection.sendall(answer(404))
        else:
            time.sleep(30)

    with serving(behave) as server:
        remote = connect(server.url, writable=True, patience=SHORT, rate=16 << 20)
        began = time.monotonic()
        assert not remote.put_blob(sha256(data), tmp_path / "file")
        assert time.monotonic() - began < LOOSE_SECONDS
    assert not remote.is_on


def test_an_entry_without_end_is_not_taken(connect, monkeypatch, warnings):
    monkeypatch.setattr("forgather.make.cache.remote.ENTRY_LIMIT", 1000)
    with serving(always(answer(200, b" " * 5000))) as server:
        assert connect(server.url).entry(KEY) is None
    assert f"ac/{KEY}" in warnings[0]


def test_a_full_disk_here_is_not_the_servers_fault(connect, tmp_path):
    data = b"x" * 100_000
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serving(always(answer(200, data))) as server:
        remote = connect(server.url)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        try:
            with pytest.raises(BuildError) as caught:
                remote.blob(sha256(data), tmp_path / "target")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert caught.value.code == "FG601"
        assert remote.blob(sha256(data), tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Certificate and key of 127.0.0.1, which nobody trusts yet."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "cert.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command.split(), *names, "-out", str(paths[0]), "-keyout", str(paths[1])],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.mark.parametrize("is_trusted", [True, False])
def test_over_tls(connect, tmp_path, warnings, certificate, monkeypatch, is_trusted):
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    (tmp_path / "file").write_bytes(b"x" * 200_000)
    with cache_server(tmp_path / "served") as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        remote = connect(server.url.replace("http:", "https:"), token=WRITER, writable=True)
        assert remote.put_blob(sha256(b"x" * 200_000), tmp_path / "file") == is_trusted
        assert remote.blob(sha256(b"x" * 200_000), tmp_path / "copy") == is_trusted
    if not is_trusted:
        assert "certificate" in warnings[0]


def test_a_handshake_that_never_ends(connect, warnings):
    with serving(silent) as server:
        began = time.monotonic()
        assert connect(server.url.replace("http:", "https:"), patience=SHORT).entry(KEY) is None
        assert time.monotonic() - began < LOOSE_SECONDS
    assert "switched off" in warnings[0]
