"""Signatures of entries: what was signed with the key is accepted, and nothing else."""

from __future__ import annotations

import json

import pytest

from forgather.make.cache.signing import FIELD, Signer
from forgather.make.digest import canonical_json
from forgather.make.storage.entry import Entry, Output
from tests.make.serving import KEY, sha256

SECRET = b"0123456789abcdef"
ENTRY = Entry(KEY, {"a": Output(sha256(b"a"), 1)}, values={"text": "naïve \u2028", "rate": 0.1})


@pytest.fixture
def warnings():
    return []


@pytest.fixture
def signer(warnings):
    return Signer(SECRET, warn=warnings.append)


def changed(data: bytes, **fields: object) -> bytes:
    return canonical_json(json.loads(data) | fields).encode()


def test_what_was_signed_is_accepted_and_is_still_the_entry(signer, warnings):
    signed = signer.sign(ENTRY.dumps())
    assert signer.accepts(signed)
    assert Signer(SECRET).accepts(signed)
    assert Entry.loads(signed, KEY) == ENTRY
    assert signer.sign(signed) == signed == signer.sign(ENTRY.dumps())
    assert warnings == [] and signer.rejected == 0


UNACCEPTABLE = {
    "unsigned": (lambda data: ENTRY.dumps(), "not signed"),
    "another key": (lambda data: Signer(SECRET[::-1]).sign(ENTRY.dumps()), "another key"),
    "an output": (lambda data: data.replace(sha256(b"a").encode(), b"0" * 64), "altered"),
    "a value": (lambda data: changed(data, values={}), "altered"),
    "a new field": (lambda data: changed(data, more=1), "altered"),
    "another entry's": (lambda data: changed(data, key="2" * 64), "altered"),
    "no text": (lambda data: changed(data, **{FIELD: ["a"]}), "altered"),
    "not ASCII": (lambda data: changed(data, **{FIELD: "\u00e9"}), "altered"),
    "null": (lambda data: changed(data, **{FIELD: None}), "not signed"),
    "spaces": (lambda data: json.dumps(json.loads(data)).encode(), "written anew"),
    "a field twice": (lambda data: data.replace(b'{"', b'{"key":"x","', 1), "written anew"),
    "NaN": (lambda data: data.replace(b"0.1", b"NaN"), "not JSON"),
    "truncated": (lambda data: data[:-5], "not JSON"),
    "a list": (lambda data: b"[1]", "not signed"),
    "nothing": (lambda data: b"", "not JSON"),
    "nested deeply": (lambda data: b"[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize(("alter", "words"), UNACCEPTABLE.values(), ids=UNACCEPTABLE)
def test_anything_else_is_rejected_and_named(signer, warnings, alter, words):
    data = alter(signer.sign(ENTRY.dumps()))
    assert not signer.accepts(data)
    (warning,) = warnings
    assert words in warning
    if "JSON" not in words and data != b"[1]":
        assert f"ac/{'2' * 64}" in warning or f"ac/{KEY}" in warning


def test_of_many_only_the_first_is_named(signer, warnings):
    for _ in range(3):
        assert not signer.accepts(ENTRY.dumps())
    assert signer.rejected == 3
    assert len(warnings) == 1
