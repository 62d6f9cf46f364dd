"""What checkouts take from each other: through the user's cache and through a remote.

A *checkout* here is a store with its layers, as a build has it. Whatever lies in a cache that others
write to may be altered, cut off, poisoned or another's: it is refused, and what is refused is named.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import pytest

from forgather.errors import BuildError
from forgather.make.cache.outbox import Outbox
from forgather.make.cache.remote import Remote
from forgather.make.cache.signing import Signer
from forgather.make.digest import FileDigests, canonical_json
from forgather.make.storage.disk_cache import DiskCache
from forgather.make.storage.entry import Entry, scan
from forgather.make.storage.store import LINKED_FROM, Store
from tests.make.faulty_server import answer, serving
from tests.make.serving import KEY, WRITER, cache_server, sha256

OTHER = "2" * 64
KEY_OF_ALL = b"0123456789abcdef"


class Checkout:
    """``shared``: the user's cache, or none. ``url``: a remote, from which it reads."""

    def __init__(
        self,
        root: Path,
        *,
        shared: Path | None = None,
        url: str | None = None,
        key: bytes | None = None,
        patience: float = 30.0,
    ) -> None:
        self.root = root
        self.warnings: list[str] = []
        warn = self.warnings.append
        self.remote = Remote(url, warn=warn, patience=patience) if url is not None else None
        self.outbox = Outbox(root / "outbox")
        self.store = Store(
            DiskCache(root / "store"),
            FileDigests(root / "files.sqlite"),
            shared=DiskCache(shared) if shared is not None else None,
            remote=self.remote,
            signer=Signer(key, warn=warn) if key is not None else None,
            outbox=self.outbox,
        )

    def make(self, key: str = KEY, executable: str = "", **files: str | bytes) -> Entry:
        """What a build does with new outputs."""
        with self.store.staging("test") as folder:
            for name, content in (files or {"a": "one"}).items():
                path = folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
                path.chmod(0o755 if name == executable else 0o644)
            return self.store.put(Entry(key, scan(folder, self.store.digests)), folder)

    def take(self, key: str = KEY) -> dict[str, bytes] | None:
        """The files of an artifact, brought from wherever they are; None where there is none."""
        entry = self.store.get(key)
        if entry is None:
            return None
        out = self.root / "out"
        self.store.checkout(entry.outputs, out)
        return {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def shared(tmp_path):
    return tmp_path / "shared"


@pytest.fixture
def make(tmp_path, shared):
    """Makes checkouts; they share the user's cache."""
    made: list[Checkout] = []

    def checkout(**options) -> Checkout:
        options = {"shared": shared, **options}
        made.append(Checkout(tmp_path / f"checkout{len(made)}", **options))
        return made[-1]

    yield checkout
    for one in made:
        one.store.digests.close()
        if one.remote is not None:
            one.remote.close()


# two checkouts and the cache of the user


def test_what_one_checkout_made_the_other_has(make):
    one, two = make(), make()
    one.make(**{"a": "one", "folder/b": "two"})
    assert two.take() == {"a": b"one", "b": b"two"}
    assert make(shared=None).take() is None
    assert two.outbox.keys() == [], "what was taken is not uploaded again"


def test_what_can_be_run_can_be_run_again(make):
    one, two = make(), make()
    one.make(executable="tool", tool="#!/bin/sh\n", text="text", large=b"x" * LINKED_FROM)
    two.take()
    found = {path.name: path.stat() for path in (two.root / "out").iterdir()}
    assert {name for name, stat in found.items() if stat.st_mode & 0o111} == {"tool"}
    assert not found["large"].st_mode & 0o222, "a link cannot be written to"
    blob = two.store.blob(sha256(b"#!/bin/sh\n"))
    assert blob.stat().st_mode & 0o777 == 0o444


def test_a_large_tool_is_a_copy(make):
    one, two = make(), make()
    one.make(executable="tool", tool=b"x" * LINKED_FROM)
    two.take()
    tool = (two.root / "out" / "tool").stat()
    assert tool.st_mode & 0o111 and tool.st_nlink == 1


def test_a_cache_that_takes_nothing_is_still_read(make, shared, capfd):
    make().make()
    (shared / "staging").rmdir()
    (shared / "staging").touch()  # in the way of all that is written
    two = make()
    assert two.take() == {"a": b"one"}
    for number in range(3):
        two.make(str(number) * 64, a=f"text {number}")
        assert two.take(str(number) * 64) is not None
    messages = capfd.readouterr().err.splitlines()
    assert len([line for line in messages if str(shared) in line]) == 1


def test_a_cache_that_takes_nothing_stops_no_download(make, shared, tmp_path):
    with cache_server(tmp_path / "served") as server:
        push(make(shared=None), server.url)
        shared.mkdir()
        (shared / "staging").touch()
        two = make(url=server.url)
        assert two.take() == {"a": b"one"}
    assert two.store.local.entry_path(KEY).exists()


def test_a_damaged_blob_is_named_removed_and_made_again(make, shared, capfd):
    one, two = make(), make()
    one.make(a="one", b="two")
    blob = shared / "cas" / sha256(b"two")
    blob.unlink()
    blob.write_bytes(b"twx")
    with pytest.raises(BuildError, match="damaged") as caught:
        two.take()
    assert caught.value.code == "FG602"
    assert str(blob) in capfd.readouterr().err
    assert not blob.exists() and two.take() is None
    one.make(a="one", b="two")
    assert two.take() == {"a": b"one", "b": b"two"}


def test_what_is_read_in_place_is_checked_too(make, shared):
    """A compiled graph is read where the store keeps it."""
    one, two = make(), make()
    one.make()
    assert two.store.checked_blob(sha256(b"one")).read_bytes() == b"one"
    blob = shared / "cas" / sha256(b"one")
    blob.unlink()
    blob.write_bytes(b"onx")
    with pytest.raises(BuildError) as caught:
        two.store.checked_blob(sha256(b"one"))
    assert caught.value.code == "FG602"
    assert one.store.checked_blob(sha256(b"one")).parent == one.root / "store" / "cas"


# a remote


def push(checkout: Checkout, url: str, key: str = KEY, **files) -> None:
    """Make something and upload it."""
    checkout.make(key, **files)
    remote = Remote(url, token=WRITER, writable=True)
    assert checkout.outbox.push(checkout.store.local, remote, checkout.store.signer).sent == 1
    remote.close()


def test_only_what_is_missing_crosses_the_network(make):
    served = {}

    def behave(connection, head):
        name = head.split()[1].decode()
        connection.sendall(answer(200, served[name]) if name in served else answer(404))

    source = make(shared=None)
    for key, files in ((KEY, {"a": "one", "b": "two"}), (OTHER, {"a": "one", "c": "three"})):
        entry = source.make(key, **files)
        served[f"/ac/{key}"] = entry.dumps()
        served |= {
            f"/cas/{sha}": source.store.blob(sha).read_bytes() for sha in entry.files.values()
        }

    def asked(heads):
        return sorted(head.split()[1].decode() for head in heads)

    with serving(behave) as server:
        one = make(url=server.url)
        assert one.take() == {"a": b"one", "b": b"two"}
        blobs = [f"/cas/{sha256(data)}" for data in (b"one", b"two", b"three")]
        assert asked(server.heads) == sorted([f"/ac/{KEY}", *blobs[:2]])
        server.heads.clear()
        assert one.take(OTHER) == {"a": b"one", "c": b"three"}
        assert asked(server.heads) == sorted([f"/ac/{OTHER}", blobs[2]])
        server.heads.clear()
        assert one.take() is not None and make(url=server.url).take(OTHER) is not None
        assert server.heads == [], "another checkout of this user has it, too"
        for _ in range(2):
            assert one.take("3" * 64) is None
        assert asked(server.heads) == [f"/ac/{'3' * 64}"], "a miss is remembered"


def test_what_a_remote_has_in_part_is_as_good_as_nothing(make, tmp_path):
    with cache_server(tmp_path / "served") as server:
        push(make(shared=None), server.url, a="one", b="two")
        (server.cache.root / "cas" / sha256(b"two")).unlink()
        one = make(url=server.url)
        assert one.take() is None
        assert not one.store.shared.entry_path(KEY).exists()
        assert one.remote.is_on


# what is not trusted


@pytest.fixture
def server(tmp_path):
    with cache_server(tmp_path / "served") as server:
        yield server


def replace_entry(folder: Path, data: bytes, key: str = KEY) -> None:
    (folder / "ac" / key).unlink(missing_ok=True)
    (folder / "ac" / key).write_bytes(data)


def an_output_more(data: bytes) -> bytes:
    fields = json.loads(data)
    fields["outputs"]["evil.py"] = fields["outputs"]["a"]
    return canonical_json(fields).encode()


UNTRUSTED = {
    "unsigned": lambda signed, unsigned, other: unsigned,
    "signed by others": lambda signed, unsigned, other: Signer(b"x" * 32).sign(unsigned),
    "altered": lambda signed, unsigned, other: an_output_more(signed),
    "of another key": lambda signed, unsigned, other: other,
    "renamed to this key": lambda signed, unsigned, other: other.replace(
        OTHER.encode(), KEY.encode()
    ),
    "truncated": lambda signed, unsigned, other: signed[:-9],
}


@pytest.mark.parametrize("place", ["shared", "remote"])
@pytest.mark.parametrize("alter", UNTRUSTED.values(), ids=UNTRUSTED)
def test_an_entry_that_is_not_signed_as_it_should_be_is_rejected(
    make, server, tmp_path, place, alter
):
    author = make(shared=None, key=KEY_OF_ALL)
    push(author, server.url)
    push(author, server.url, OTHER, a="other")
    signed, other = (server.cache.read_entry_bytes(key) for key in (KEY, OTHER))
    bad = alter(signed, make(shared=None).make().dumps(), other)
    if place == "shared":
        Checkout(tmp_path / "filler", shared=tmp_path / "mine", key=KEY_OF_ALL).make()
        folder, reader = tmp_path / "mine", {"shared": tmp_path / "mine"}
    else:
        folder, reader = server.cache.root, {"shared": None, "url": server.url}
    assert make(**reader, key=KEY_OF_ALL).take() == {"a": b"one"}
    replace_entry(folder, bad)
    one = make(**reader, key=KEY_OF_ALL)
    assert one.take() is None
    if alter is not UNTRUSTED["of another key"]:  # which is signed, and simply not the one
        (warning,) = one.warnings
        assert "rejected" in warning
    assert not list((one.root / "store" / "cas").iterdir()), "none of its blobs was asked for"


def test_what_was_made_here_needs_no_signature_but_what_others_made_does(make, shared):
    """The checkout's own store is trusted; the user's cache is not, once there is a key."""
    one = make()
    one.make()
    one.store.signer = Signer(KEY_OF_ALL, warn=one.warnings.append)
    assert one.take() == {"a": b"one"}
    two = make(key=KEY_OF_ALL)
    assert two.take() is None
    two.make()
    assert make(key=KEY_OF_ALL).take() == {"a": b"one"}
    assert make().take() == {"a": b"one"}, "without a key nothing needs to be signed"


BAD_OUTPUTS = {
    "a path as digest": {"a": {"digest": "../../victim", "size": 1, "mode": 0o644}},
    "a list as digest": {"a": {"digest": ["x"], "size": 1, "mode": 0o644}},
    "a strange mode": {"a": {"digest": "0" * 64, "size": 1, "mode": 0o4755}},
    "no size": {"a": {"digest": "0" * 64, "size": "1", "mode": 0o644}},
    "an absolute name": {"/tmp/forgather-evil": None},
    "a name that climbs": {"a/../../../evil": None},
    "an empty name": {"": None},
    "a folder": {"a": None, "a/b": None},
    "a folder's name": {"a/": None},
    "a long name": {"a" * 300: None},
    "half a character": {"\ud800": None},
    "a zero": {"a\0": None},
}


@pytest.mark.parametrize("outputs", BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_an_entry_cannot_name_what_is_no_output(make, server, tmp_path, outputs):
    """Unsigned, from a server that may be hostile: nothing outside is written, read or removed."""
    push(make(shared=None), server.url)
    fields = json.loads(server.cache.read_entry_bytes(KEY))
    whole = fields["outputs"]["a"]
    fields["outputs"] = {name: output or whole for name, output in outputs.items()}
    replace_entry(server.cache.root, json.dumps(fields).encode())
    one = make(url=server.url)
    victim = one.root / "victim"
    victim.write_text("precious")
    before = {path for path in tmp_path.rglob("*") if "evil" in path.name}
    assert one.take() is None
    assert victim.read_text() == "precious"
    assert {path for path in tmp_path.rglob("*") if "evil" in path.name} == before
    assert not Path("/tmp/forgather-evil").exists()


@pytest.mark.parametrize(
    "fields",
    [{"reads": {}}, {"reads": [1]}, {"values": []}, {"provenance": 1}, {"outputs": []}, {"key": 1}],
    ids=str,
)
def test_an_entry_of_wrong_types_is_a_miss(make, server, fields):
    push(make(shared=None), server.url)
    known = json.loads(server.cache.read_entry_bytes(KEY))
    replace_entry(server.cache.root, json.dumps(known | fields).encode())
    assert make(url=server.url).take() is None


@pytest.mark.parametrize("data", [b"onX", b"on", b"", b"one and more"])
def test_a_poisoned_or_truncated_blob_is_refused_and_named(make, server, data):
    push(make(shared=None), server.url)
    blob = server.cache.blob_path(sha256(b"one"))
    blob.chmod(0o644)
    blob.write_bytes(data)
    one = make(url=server.url)
    assert one.take() is None
    (warning,) = one.warnings
    assert f"cas/{sha256(b'one')}" in warning
    assert not one.store.has_blob(sha256(b"one"))
    one.make()
    assert one.take() == {"a": b"one"}


# no pickle, no bytecode


class Planted:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "name", ["data.pkl", "data.PICKLE", "model.pyc", "__pycache__/model.cpython-311.pyc"]
)
def test_what_becomes_code_when_it_is_read_stays_in_its_checkout(make, name, tmp_path):
    content = pickle.dumps(Planted(tmp_path / "ran"))
    one = make()
    one.make(**{name: content})
    assert one.take() is not None, "here it was made, here it may be used"
    assert one.outbox.keys() == []
    assert make().take() is None
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", ["shared", "remote"])
@pytest.mark.parametrize("name", ["data.pkl", "folder/__pycache__/x.cpython-311.pyc", "x.pyo"])
def test_what_becomes_code_when_it_is_read_is_taken_from_no_shared_cache(
    make, server, shared, capfd, place, name
):
    """Not even where it is signed."""
    push(make(key=KEY_OF_ALL), server.url)
    folder = shared if place == "shared" else server.cache.root
    fields = json.loads((folder / "ac" / KEY).read_bytes())
    fields["outputs"] = {name: fields["outputs"]["a"]}
    replace_entry(folder, Signer(KEY_OF_ALL).sign(canonical_json(fields).encode()))
    one = make(
        key=KEY_OF_ALL,
        shared=shared if place == "shared" else None,
        url=server.url if place == "remote" else None,
    )
    assert one.take() is None
    assert name in capfd.readouterr().err
    assert os.listdir(one.root / "store" / "cas") == []
