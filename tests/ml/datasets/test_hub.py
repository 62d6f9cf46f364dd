"""Loading from the hub. No test connects: the library is made to fail as it does offline."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from forgather.errors import DataError
from forgather.ml.datasets import load_dataset

library = pytest.importorskip("datasets")
CHOICES = ("examples/datasets/stories", "examples/datasets/local_text")


def failing(monkeypatch, error: Exception) -> None:
    def load(*args, **kwargs):
        raise error

    monkeypatch.setattr(library, "load_dataset", load)


def test_offline_is_one_clear_message_in_a_real_process(tmp_path):
    code = "from forgather.ml.datasets import load_dataset; load_dataset('roneneldan/TinyStories')"
    program = (
        f"from forgather.errors import DataError\ntry:\n    {code}\nexcept DataError as error:\n"
        "    print(error.render())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)},
    )
    lines = run.stdout.strip().splitlines()
    assert len(lines) == 2, run.stdout
    assert "cannot load the dataset roneneldan/TinyStories" in lines[0]
    assert "cannot be reached" in lines[0]
    assert all(choice in lines[1] for choice in CHOICES)


@pytest.mark.parametrize("error", [ConnectionError("no route"), TimeoutError("timed out")])
def test_no_connection(monkeypatch, error):
    failing(monkeypatch, error)
    with pytest.raises(DataError, match="cannot be reached") as caught:
        load_dataset("some/dataset", "config")
    assert "some/dataset (config)" in str(caught.value)
    assert all(choice in caught.value.hint for choice in CHOICES)
    assert caught.value.__cause__ is error


def test_a_connection_error_behind_another_error_is_found(monkeypatch):
    error = library.exceptions.DatasetNotFoundError("Couldn't find dataset")
    error.__cause__ = ConnectionError("no route")
    failing(monkeypatch, error)
    with pytest.raises(DataError, match="cannot be reached"):
        load_dataset("some/dataset")


@pytest.mark.parametrize(
    "error",
    [
        library.exceptions.DatasetNotFoundError("Dataset 'x' doesn't exist on the Hub\nmore"),
        ValueError("Unknown split 'trian'"),
        FileNotFoundError("no such file"),
    ],
)
def test_a_wrong_name_keeps_its_reason(monkeypatch, error):
    failing(monkeypatch, error)
    with pytest.raises(DataError) as caught:
        load_dataset("x", split="trian")
    assert str(error).splitlines()[0] in str(caught.value)
    assert "split 'trian'" in str(caught.value) and "\n" not in str(caught.value)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match="datasets library is not installed") as caught:
        load_dataset("x")
    assert "pip install 'forgather[datasets]'" in caught.value.hint


def test_arguments_go_to_the_library(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "a"}\n{"text": "b"}\n')
    dataset = load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert dataset["text"][:] == ["a", "b"]


def test_an_unreachable_hub_is_not_retried_and_the_library_stays_as_it_was(monkeypatch):
    from huggingface_hub import constants

    from forgather.ml.datasets import hub

    monkeypatch.setattr(hub, "_resolves", lambda host: False)
    monkeypatch.setattr(hub.urllib.request, "getproxies", dict)
    seen = []

    def load(*args, **kwargs):
        seen.append((constants.HF_HUB_OFFLINE, library.config.HF_HUB_OFFLINE))
        raise ConnectionError("offline")

    monkeypatch.setattr(library, "load_dataset", load)
    before = (constants.HF_HUB_OFFLINE, library.config.HF_HUB_OFFLINE)
    with pytest.raises(DataError, match="cannot be reached"):
        load_dataset("x")
    assert seen == [(True, True)]
    assert before == (constants.HF_HUB_OFFLINE, library.config.HF_HUB_OFFLINE)
