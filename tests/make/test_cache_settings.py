"""Settings of the shared caches: where they come from, what is refused, and where secrets go."""

from __future__ import annotations

import os

import pytest

from forgather.errors import UsageError
from forgather.make.cache.settings import CacheSettings
from tests.make.faulty_server import always, answer, serving

KEY = "0123456789abcdef"


def load(root=None, **values):
    return CacheSettings.load(
        {f"FORGATHER_CACHE_{name}": text for name, text in values.items()}, root
    )


def refused(root=None, **values):
    with pytest.raises(UsageError) as caught:
        load(root, **values)
    return caught.value


def pyproject(folder, text):
    (folder / "pyproject.toml").write_text(text)
    return folder


def table(folder, **values):
    lines = [f"{name} = {value!r}" for name, value in values.items()]
    return pyproject(folder, "\n".join(["[tool.forgather.cache]", *lines]))


def test_without_settings_there_is_a_cache_of_the_user_and_no_remote(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = load()
    assert settings.directory == tmp_path / "forgather" / "build"
    assert settings.url is None and not settings.writes
    assert settings.remote() is None and settings.signer() is None
    assert settings.outbox(tmp_path) is None
    assert load(DIR="", URL=" ", TOKEN="") == settings


def test_the_directory(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert load(DIR="off").directory is None
    assert load(DIR="here").directory == tmp_path / "here"
    assert str(load(DIR="~/cache").directory) == "/home/somebody/cache"
    (tmp_path / "file").touch()
    assert "file" in refused(DIR="file").message


def test_the_environment_goes_before_the_file(tmp_path):
    root = table(tmp_path, url="http://file.example.org/x/", mode="read-write")
    settings = load(root)
    assert (settings.url, settings.source) == ("http://file.example.org/x", "pyproject.toml")
    assert settings.writes
    settings = load(root, URL="https://other.example.org", MODE="read-only")
    assert (settings.url, settings.source) == ("https://other.example.org", "FORGATHER_CACHE_URL")
    assert not settings.writes
    assert load(root, URL="off").url is None
    assert load(tmp_path / "elsewhere").url is None


def test_a_token_is_not_sent_to_a_server_that_a_file_names(tmp_path):
    """Who edits a checked-out file does not get to collect tokens."""
    with serving(always(answer(404))) as server:
        root = table(tmp_path, url=server.url)
        load(root, TOKEN="u:secret").remote().entry("1" * 64)
        load(root, TOKEN="u:secret", URL=server.url).remote().entry("1" * 64)
        from_file, from_environment = server.heads
    assert b"Authorization" not in from_file
    assert b"Authorization: Basic" in from_environment
    assert "sent only to" in load(root, TOKEN="u:secret").credentials


def test_secrets_are_not_shown():
    settings = load(TOKEN="u:secret")
    assert "secret" not in repr(settings)
    error = refused(URL="http://user:secret@example.org")
    assert "secret" not in f"{error.message} {error.hint}"
    assert "TOKEN" in error.hint
    assert "secret" not in f"{refused(TOKEN='secret' + chr(10) + 'x').message}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"DIRECTORY": "x"}, "did you mean 'FORGATHER_CACHE_DIR'"),
        ({"MODE": "readonly"}, "did you mean 'read-only'"),
        ({"URL": "ftp://example.org"}, "https://"),
        ({"URL": "http://"}, "https://"),
        ({"URL": "http://exa mple.org"}, "https://"),
        ({"URL": "http://example.org/x?y=1"}, "path"),
        ({"URL": "http://example.org:port"}, "https://"),
        ({"PATIENCE": "soon"}, "seconds"),
        ({"PATIENCE": "0"}, "seconds"),
        ({"PATIENCE": "nan"}, "seconds"),
    ],
)
def test_what_makes_no_sense_is_told(values, words):
    error = refused(**values)
    assert error.code == "FG620"
    assert words in error.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.forgather.cache]\ntoken = 'x'", "has no setting 'token'"),
        ("[tool.forgather.cache]\nurl = 3", "makes no sense"),
        ("[tool.forgather]\ncache = 3", "not a table"),
        ("[tool.forgather", "not TOML"),
        ("[tool.forgather.cache]\nmode = 'x'", "mode in pyproject.toml"),
    ],
)
def test_a_file_that_makes_no_sense_is_told(tmp_path, text, words):
    error = refused(pyproject(tmp_path, text))
    assert words in error.message and error.code == "FG620"


def test_a_file_that_speaks_of_other_things_is_not_read(tmp_path):
    assert load(pyproject(tmp_path, "[project\n")).url is None


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    return path


def test_a_key(key_file):
    settings = load(KEY_FILE=str(key_file))
    assert settings.key == KEY.encode()
    assert KEY not in repr(settings)
    signer = settings.signer()
    assert signer.accepts(signer.sign(b'{"key":"x"}'))
    key_file.chmod(0o640)  # a group may have it
    assert load(KEY_FILE=str(key_file)).key == settings.key


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [(KEY, 0o604, "every user"), (KEY, 0o602, "every user"), (KEY[:15], 0o600, "15 bytes")],
)
def test_a_key_that_is_no_secret(key_file, text, mode, words):
    key_file.write_text(text)
    key_file.chmod(mode)
    error = refused(KEY_FILE=str(key_file))
    assert words in error.message and error.code == "FG621"


def test_a_key_that_is_not_there(tmp_path):
    error = refused(KEY_FILE=str(tmp_path / "none"))
    assert os.strerror(2) in error.message and error.code == "FG621"


def test_each_remote_has_its_own_outbox_in_the_checkout(tmp_path):
    boxes = {
        load(URL=f"http://{host}", MODE="read-write").outbox(tmp_path).folder for host in ("a", "b")
    }
    assert len(boxes) == 2
    assert {box.parent for box in boxes} == {tmp_path / "build" / "store" / "outbox"}
