"""``forgather cache serve``: who may do what, and what is refused."""

from __future__ import annotations

import base64
import http.client
import os
import socket
import threading
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from forgather.make.cache.server import ASIDE, Access
from tests.make.serving import KEY, WRITER, cache_server, entry_bytes, sha256

BLOB = f"/cas/{sha256(b'abc')}"


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(token.encode()).decode()


AS_WRITER = basic(WRITER)


class Client:
    """One connection; every request gives status and body."""

    def __init__(self, url: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def __call__(self, method, path, body=None, auth=AS_WRITER, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if auth is not None:
            headers["Authorization"] = auth
        self.connection.request(method, path, body, headers)
        self.answer = self.connection.getresponse()
        return self.answer.status, self.answer.read()


@contextmanager
def client_of(server):
    client = Client(server.url)
    yield client
    client.connection.close()


@pytest.fixture
def server(tmp_path):
    with cache_server(tmp_path / "served") as server:
        yield server


@pytest.fixture
def ask(server):
    with client_of(server) as client:
        yield client


def files(server):
    root = server.cache.root
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_what_is_put_can_be_had_with_its_length(ask):
    assert ask("GET", BLOB)[0] == 404
    assert ask("HEAD", BLOB) == (404, b"")
    assert ask("PUT", BLOB, b"abc") == (201, b"")
    assert ask("GET", BLOB) == (200, b"abc")
    assert ask("HEAD", BLOB) == (200, b"")
    assert ask.answer.getheader("Content-Length") == "3"
    assert ask("PUT", f"/ac/{KEY}", entry_bytes()) == (201, b"")
    assert ask("PUT", f"/ac/{KEY}", entry_bytes(values={})) == (201, b"")  # entries are replaced
    assert ask("GET", f"/ac/{KEY}") == (200, entry_bytes(values={}))


def test_it_is_there_when_the_server_starts_anew(tmp_path):
    for number in range(2):
        with cache_server(tmp_path / "served") as server, client_of(server) as ask:
            if number == 0:
                ask("PUT", BLOB, b"abc")
            assert ask("GET", BLOB) == (200, b"abc")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (BLOB, b"abd"),
        (BLOB, b""),
        (f"/ac/{KEY}", b"not json"),
        (f"/ac/{KEY}", entry_bytes("2" * 64)),
        (f"/ac/{KEY}", b"[1]"),
        (f"/ac/{KEY}", b"[" * 100_000),
    ],
    ids=["other bytes", "no bytes", "no JSON", "of another key", "a list", "nested deeply"],
)
def test_what_is_not_what_its_name_says_is_refused(server, ask, path, body):
    assert ask("PUT", path, body)[0] == 400
    assert files(server) == []
    assert server.room.used == 0


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/ac/",
        "/cas/abc",
        f"/cas/{'A' * 64}",
        f"{BLOB}/",
        f"{BLOB}?x=1",
        f"/x/{'1' * 64}",
        f"/cas/../ac/{KEY}",
        f"/cas/..%2fac%2f{KEY}",
        "/staging",
        "/../../etc/passwd",
    ],
)
def test_no_other_name_reaches_the_disk(server, ask, path):
    for method, body in (("GET", None), ("PUT", b"abc")):
        assert ask(method, path, body)[0] == 404
        ask.connection.close()
    assert files(server) == []


def test_other_methods_are_not_known(ask):
    for method in ("DELETE", "POST", "PROPFIND"):
        assert ask(method, BLOB)[0] == 501
        ask.connection.close()


OPEN = Access(write_tokens=[WRITER])
CLOSED = Access(["reader:one", "plain"], [WRITER])
NOBODY = Access()


@pytest.mark.parametrize(
    ("access", "auth", "reads", "writes"),
    [
        (OPEN, None, 200, 401),
        (OPEN, AS_WRITER, 200, 201),
        (OPEN, f"Bearer {WRITER}", 200, 201),
        (OPEN, basic("writer:wrong"), 200, 403),
        (OPEN, "Basic ???", 200, 403),
        (OPEN, "Digest x", 200, 403),
        (CLOSED, None, 401, 401),
        (CLOSED, basic("reader:one"), 200, 403),
        (CLOSED, "bearer plain", 200, 403),
        (CLOSED, "Bearer wrong", 401, 401),
        (CLOSED, AS_WRITER, 200, 201),
        (NOBODY, None, 200, 401),
        (NOBODY, basic(""), 200, 403),
        (NOBODY, "Bearer ", 200, 403),
    ],
)
def test_who_may_read_and_who_may_write(tmp_path, access, auth, reads, writes):
    with cache_server(tmp_path / "served", access) as server, client_of(server) as ask:
        (server.cache.root / BLOB[1:]).write_bytes(b"abc")
        assert ask("GET", BLOB, auth=auth)[0] == reads
        assert ask("HEAD", BLOB, auth=auth)[0] == reads
        assert ask("PUT", f"/ac/{KEY}", entry_bytes(), auth=auth)[0] == writes
        assert (server.cache.root / "ac" / KEY).exists() == (writes == 201)


def test_a_full_cache_refuses_and_makes_room_for_what_is_replaced(tmp_path):
    small, larger = entry_bytes(x="1" * 20), entry_bytes(x="1" * 100)
    limit = len(larger) + 10
    with cache_server(tmp_path / "served", max_size=limit) as server, client_of(server) as ask:
        assert ask("PUT", f"/ac/{KEY}", small)[0] == 201
        status, text = ask("PUT", f"/ac/{'2' * 64}", entry_bytes("2" * 64, x="1" * 100))
        assert status == 507 and b"full" in text
        ask.connection.close()
        assert ask("PUT", f"/ac/{KEY}", small)[0] == 201  # the same again takes no more
        assert server.room.used == len(small)
        assert ask("GET", f"/ac/{KEY}")[0] == 200
    with cache_server(tmp_path / "served", max_size=limit) as server:
        assert server.room.used == len(small)


def test_uploads_without_a_length_or_beyond_any_entry(ask):
    assert ask("PUT", BLOB, iter([b"abc"]), Transfer_Encoding="chunked")[0] == 411
    ask.connection.close()
    ask.connection.putrequest("PUT", f"/ac/{KEY}")
    ask.connection.putheader("Authorization", AS_WRITER)
    ask.connection.putheader("Content-Length", str(1 << 40))
    ask.connection.endheaders()
    assert ask.connection.getresponse().status == 413


def head_of_upload(path: str, length: int, *more: str) -> bytes:
    lines = [f"PUT {path} HTTP/1.1", "Host: x", f"Authorization: {AS_WRITER}", *more]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


def test_the_body_is_asked_for_only_where_it_would_be_taken(server):
    address = server.server_address[:2]
    for path, begin in ((BLOB, b"HTTP/1.1 100"), ("/elsewhere", b"HTTP/1.1 404")):
        with socket.create_connection(address, timeout=10) as client:
            client.sendall(head_of_upload(path, 3, "Expect: 100-continue"))
            assert client.recv(100).startswith(begin)


def test_a_client_that_goes_away_leaves_nothing(server, capfd):
    with socket.create_connection(server.server_address[:2]) as client:
        client.sendall(head_of_upload(BLOB, 3) + b"ab")
        deadline = time.monotonic() + 10
        while not server.room.used and time.monotonic() < deadline:  # it has begun
            time.sleep(0.01)
    while server.room.used and time.monotonic() < deadline:
        time.sleep(0.01)
    assert server.room.used == 0
    assert files(server) == []
    assert capfd.readouterr().err == ""


def test_what_a_killed_server_left_is_removed_in_time(tmp_path):
    staging = tmp_path / "served" / "staging"
    staging.mkdir(parents=True)
    for name, age in (("old", 90_000), ("new", 10)):
        (staging / f"{ASIDE}{name}").touch()
        os.utime(staging / f"{ASIDE}{name}", (time.time() - age,) * 2)
    with cache_server(tmp_path / "served") as server:
        assert files(server) == [f"staging/{ASIDE}new"]


def test_many_clients_at_once(server):
    """Readers get a whole entry or none, while writers replace it."""
    seen: list[tuple[int, bytes]] = []
    versions = [entry_bytes(x=str(number) * 10_000) for number in range(4)]

    def work(number):
        with client_of(server) as ask:
            for _ in range(10):
                assert ask("PUT", f"/ac/{KEY}", versions[number])[0] == 201
                seen.append(ask("GET", f"/ac/{KEY}"))

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 40
    assert all(status == 200 and body in versions for status, body in seen)
    assert server.room.used == len(versions[0])
