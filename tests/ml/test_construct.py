from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from forgather.errors import BuildError
from forgather.ml import construct


@pytest.fixture
def rule(tmp_path):
    """A rule that writes a file, and how often it ran."""
    target, runs = tmp_path / "target", []

    def recipe():
        runs.append(1)
        target.write_text("made")

    def build(**arguments):
        return construct.build_rule(target, recipe, target.read_text, **arguments)

    build.target, build.runs = target, runs
    return build


def test_a_target_is_made_once(rule):
    assert rule() == rule() == "made"
    assert len(rule.runs) == 1


def test_an_older_target_is_made_again(rule, tmp_path):
    source = tmp_path / "source"
    source.write_text("1")
    rule(prerequisites=[source])
    rule(prerequisites=[source])
    assert len(rule.runs) == 1
    later = rule.target.stat().st_mtime + 10
    os.utime(source, (later, later))
    rule(prerequisites=[source])
    assert len(rule.runs) == 2


def test_a_failing_recipe_shows_its_own_error(tmp_path):
    def recipe():
        raise OSError("dataset not reachable")

    with pytest.raises(OSError, match="dataset not reachable"):
        construct.build_rule(tmp_path / "t", [recipe], lambda: None)
    # and the lock is free again
    assert construct.build_rule(tmp_path / "t", lambda: None, lambda: "fine") == "fine"


def test_a_missing_prerequisite_is_named(rule, tmp_path):
    with pytest.raises(BuildError, match=r"needs .*nothing"):
        rule(prerequisites=[tmp_path / "nothing"])


def test_two_builders_wait_for_each_other(tmp_path):
    target, running, most = tmp_path / "t", [], []

    def recipe():
        running.append(1)
        most.append(len(running))
        running.pop()

    def build():
        construct.build_rule(target, recipe, lambda: None)

    threads = [threading.Thread(target=build) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 8 and max(most) == 1


def test_a_lock_that_is_held_is_reported_and_a_dead_holder_frees_it(rule):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import fcntl, sys; f = open({str(rule.target) + '.build_lock'!r}, 'a');"
            "fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        holder.stdout.readline()
        with pytest.raises(BuildError, match="is locked"):
            rule(timeout=0)
        holder.kill()
    assert rule() == "made"


def test_write_file_follows_the_text(tmp_path):
    path = tmp_path / "sub" / "f.py"
    assert construct.write_file("a = 1\n", path) == "a = 1\n"
    assert construct.write_file("a = 2\n", path, return_value=7) == 7
    assert path.read_text() == "a = 2\n"  # an edited config never leaves old code behind
    before = path.stat().st_mtime_ns
    construct.write_file("a = 2\n", path, exists="raise")
    assert path.stat().st_mtime_ns == before
    assert construct.write_file("only text") == "only text"


def test_write_file_on_other_content(tmp_path):
    path = tmp_path / "f"
    path.write_text("old")
    with pytest.raises(BuildError, match="exists with other content"):
        construct.write_file("new", path, exists="raise")
    construct.write_file("new", path, exists="skip")
    assert path.read_text() == "old"
    with pytest.warns(UserWarning, match="is replaced"):
        construct.write_file("new", path, exists="warn")
    assert path.read_text() == "new"
    with pytest.raises(BuildError, match="exists='never' is not known"):
        construct.write_file("new", path, exists="never")


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f"
    path.write_text("old")

    def no_space(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        construct.write_file("new", path)
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["f"]


def test_copy_package_files(tmp_path):
    error = BuildError("x")
    assert construct.copy_package_files(tmp_path / "copy", error) is error
    assert (tmp_path / "copy" / "errors.py").is_file()
    (tmp_path / "copy" / "errors.py").write_text("old")
    construct.copy_package_files(tmp_path / "copy", BuildError, exists="skip")
    assert (tmp_path / "copy" / "errors.py").read_text() == "old"
    construct.copy_package_files(tmp_path / "copy", BuildError)
    assert (tmp_path / "copy" / "errors.py").read_text() != "old"
    with pytest.raises(BuildError, match="comes from no file"):
        construct.copy_package_files(tmp_path, 5)


def test_small_things():
    import torch

    assert construct.dependency_list(1, 2, 3) == 1
    assert construct.torch_dtype("bfloat16") is construct.torch_dtype("torch.bfloat16")
    module = construct.module_to_dtype(lambda: torch.nn.Linear(2, 2), "float64")
    assert module.weight.dtype == torch.float64
    with pytest.raises(BuildError, match="no such dtype") as caught:
        construct.torch_dtype("bfloat61")
    assert "bfloat16" in caught.value.hint


def test_calls_to_the_object():
    class Recorder:
        calls: tuple = ()

        def add_special_tokens(self, token_map):
            self.calls += (token_map,)

        def register_for_auto_class(self, name):
            self.calls += (name,)

    recorder = Recorder()
    assert construct.add_special_tokens(recorder, {"pad_token": "<pad>"}) is recorder
    assert construct.register_for_auto_class(recorder, "AutoModel") is recorder
    assert recorder.calls == ({"pad_token": "<pad>"}, "AutoModel")
