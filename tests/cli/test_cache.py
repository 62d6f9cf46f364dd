"""``forgather cache``: serve, push, status."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from forgather.make.cache.remote import Remote
from forgather.make.digest import FileDigests
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.entry import Entry, scan
from forgather.make.storage.store import Store
from tests.make.serving import KEY, WRITER, cache_server, sha256

MAIN = "import sys; from forgather.cli.main import main; sys.exit(main())"


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """No setting but the user's cache, which is empty."""
    for name in [name for name in os.environ if name.startswith("FORGATHER_CACHE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FORGATHER_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture
def use(monkeypatch):
    """Sets FORGATHER_CACHE_* variables."""

    def use(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"FORGATHER_CACHE_{name}", value)

    return use


@pytest.fixture
def server(tmp_path):
    with cache_server(tmp_path / "served") as server:
        yield server


# serve


@pytest.fixture
def serve(tmp_path):
    """Starts a server; gives the process and its url."""
    started = []

    def start(*arguments: str) -> tuple[subprocess.Popen, str]:
        process = subprocess.Popen(
            [sys.executable, "-c", MAIN, "cache", "serve", "--port", "0", *arguments],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        started.append(process)
        return process, re.search(r"http://\S+", process.stdout.readline())[0]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def put(url: str, token: str | None, tmp_path: Path) -> bool:
    (tmp_path / "file").write_bytes(b"abc")
    remote = Remote(url, token=token, writable=True, warn=lambda message: None)
    try:
        return remote.put_blob(sha256(b"abc"), tmp_path / "file")
    finally:
        remote.close()


def test_serve_takes_tokens_from_files_and_stops_when_asked(serve, tmp_path):
    (tmp_path / "writers").write_text("# of CI\n\nci:one\n  bare-token\n")
    process, url = serve("--write-token-file", "writers", "--directory", "kept", "--max-size", "1k")
    assert not put(url, None, tmp_path) and not put(url, "# of CI", tmp_path)
    assert put(url, "ci:one", tmp_path) and put(url, "bare-token", tmp_path)
    assert (tmp_path / "kept" / "cas" / sha256(b"abc")).read_bytes() == b"abc"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0 and out == "stopped\n" and err == ""


def test_serve_says_that_nobody_may_write(serve, tmp_path):
    process, url = serve()
    assert not put(url, "any:thing", tmp_path)
    process.send_signal(signal.SIGINT)
    assert "nothing can be uploaded" in process.communicate(timeout=30)[1]
    assert (tmp_path / "forgather-cache").is_dir()


def test_a_writer_reads_and_a_reader_does_not_write(serve, tmp_path):
    _process, url = serve("--read-token", "r:1", "--write-token", "w:1", "--write-token", "w:2")
    assert not put(url, "r:1", tmp_path) and put(url, "w:2", tmp_path)
    for token, trouble in (("r:1", False), ("w:1", False), (None, True)):
        assert bool(Remote(url, token=token, warn=lambda message: None).probe()) == trouble


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-size", "much"], "not a size"),
        (["--max-size", "1.5X"], "not a size"),
        (["--write-token-file", "none"], "cannot be read"),
        (["--read-token-file", "empty"], "no token"),
        (["--port", "99999"], "cannot listen"),
        (["--host", "192.0.2.1"], "cannot listen"),
    ],
)
def test_serve_refuses_what_makes_no_sense(forgather, workspace, arguments, words):
    Path("empty").write_text("# nothing\n")
    done = forgather("cache", "serve", *arguments)
    assert done.status == 2 and "FG622" in done.err and words in done.err


def test_serve_on_a_port_that_is_taken(forgather, workspace):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = forgather("cache", "serve", "--port", str(taken.getsockname()[1]))
    assert done.status == 2 and "already in use" in done.err


# push


def note(root: Path, use, server) -> Store:
    """Make an artifact whose upload is waiting."""
    from forgather.make.cache.settings import CacheSettings, store_folder

    use(URL=server.url, TOKEN=WRITER, MODE="read-write")
    outbox = CacheSettings.load(root=root).outbox(root)
    store = Store(
        DiskCache(store_folder(root)), FileDigests(root / "build/files.sqlite"), outbox=outbox
    )
    with store.staging("test") as folder:
        (folder / "a").write_text("one")
        store.put(Entry(KEY, scan(folder, store.digests)), folder)
    return store


def test_push_uploads_what_is_waiting(forgather, workspace, use, server):
    note(workspace, use, server)
    done = forgather("cache", "push")
    assert done.status == 0 and done.out == f"{server.url}: 1 uploaded\n"
    assert (server.cache.root / "ac" / KEY).exists()
    assert forgather("cache", "push").out == f"{server.url}: 0 uploaded\n"


def test_push_fails_where_something_could_not_go(forgather, workspace, use, server):
    note(workspace, use, server)
    use(TOKEN="writer:wrong")
    done = forgather("cache", "push")
    assert done.status == 1
    assert "1 could not be uploaded" in done.out and "credentials" in done.err


def test_push_without_a_remote_that_may_be_written(
    forgather, workspace, use, monkeypatch, tmp_path
):
    done = forgather("cache", "push")
    assert done.status == 2 and "FORGATHER_CACHE_URL" in done.err
    use(URL="http://cache.example.org")
    done = forgather("cache", "push")
    assert done.status == 2 and "read-only" in done.err and "FORGATHER_CACHE_MODE" in done.err
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    done = forgather("cache", "push")
    assert done.status == 2 and "workspace" in done.err


# status


def test_status_without_settings(forgather, workspace, tmp_path, use):
    done = forgather("cache", "status")
    assert done.status == 0
    assert done.lines[0] == f"per-user cache: {tmp_path / 'cache'}"
    assert "0 entries, 0 blobs, 0 bytes" in done.lines[1]
    assert "remote cache: none" in done.lines[2]
    use(DIR="off")
    assert forgather("cache", "status").lines[0] == "per-user cache: off"


def test_status_of_a_remote(forgather, workspace, use, server, tmp_path):
    note(workspace, use, server)
    (tmp_path / "key").write_text("k" * 32)
    (tmp_path / "key").chmod(0o600)
    use(KEY_FILE=str(tmp_path / "key"))
    text = forgather("cache", "status").out
    for words in (
        f"remote cache: {server.url} (from FORGATHER_CACHE_URL), read-write",
        "it answers",
        "credentials: user and password",
        "entries must be signed: yes",
        "waiting to be uploaded: 1",
    ):
        assert words in text
    assert WRITER not in text and "secret" not in text
    found = json.loads(forgather("cache", "status", "--format", "json").out)
    assert found["directory"]["entries"] == 0
    remote = {"url": server.url, "trouble": None, "signed": True, "waiting": 1}
    assert remote.items() <= found["remote"].items()


def test_status_of_a_remote_that_is_gone_and_outside_of_a_workspace(
    forgather, use, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    use(URL=f"http://127.0.0.1:{port}")
    done = forgather("cache", "status")
    assert done.status == 0 and "cannot be reached" in done.out
    assert "waiting" not in done.out


def test_settings_that_make_no_sense_are_told(forgather, workspace, use):
    use(MOD="read-write")
    done = forgather("cache", "status")
    assert done.status == 2 and "did you mean 'FORGATHER_CACHE_MODE'" in done.err
