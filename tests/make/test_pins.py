"""Pins: what a living process uses is known to whoever wants to remove it; what a dead one used is not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from forgather.make.storage.pins import FOLDER, Pins, sweeping

PIN = """
import sys
from pathlib import Path
from forgather.make.storage.pins import Pins

pins = Pins(Path(sys.argv[1]))
pins.add(sys.argv[2:])
print(pins.id, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path):
    """Starts processes that pin names and wait; the process and the id of its pins."""
    started = []

    def start(*names: str) -> tuple[subprocess.Popen, str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PIN, str(tmp_path), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def living(root):
    with sweeping(root) as found:
        return found


def test_what_processes_use_is_known_while_they_live(other, tmp_path):
    one, one_id = other("a", "b")
    two, two_id = other("b", "c")
    assert living(tmp_path).names == {"a", "b", "c"}
    assert living(tmp_path).ids == {one_id, two_id}
    one.communicate()
    assert living(tmp_path).names == {"b", "c"}
    two.communicate()
    assert not living(tmp_path).ids
    assert [path.name for path in (tmp_path / FOLDER).iterdir()] == [".lock"]


def test_a_killed_process_uses_nothing(other, tmp_path):
    process, name = other("a")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / FOLDER / name).exists()
    assert not living(tmp_path).names
    assert not (tmp_path / FOLDER / name).exists()


def test_pins_are_given_up_with_their_object(tmp_path):
    pins = Pins(tmp_path)
    pins.add(["a"])
    pins.add(["a", "b"])
    assert living(tmp_path).names == {"a", "b"}
    pins.close()
    assert not living(tmp_path).ids
    pins.add(["c"])
    assert living(tmp_path).names == {"c"}
    del pins
    assert not living(tmp_path).ids


def test_a_fork_has_pins_of_its_own_and_leaves_those_of_its_parent(tmp_path):
    pins = Pins(tmp_path)
    pins.add(["parent"])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        pins.add(["child"])
        os.write(write, "\n".join(sorted(living(tmp_path).names)).encode())
        del pins
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"child\nparent"
    os.close(read), os.close(write)
    assert living(tmp_path).names == {"parent"}
    assert os.path.exists(tmp_path / FOLDER / pins.id)


def test_whoever_pins_waits_until_a_batch_has_been_removed(other, tmp_path):
    """What is pinned after a batch began is looked for after it has ended."""
    other("a")
    script = PIN.replace("pins.add", "print('asks', flush=True); pins.add")
    with sweeping(tmp_path) as found:
        late = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), "late"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert late.stdout.readline() == "asks\n"
        with pytest.raises(subprocess.TimeoutExpired):
            late.wait(timeout=0.2)
        assert found.names == {"a"}
        assert len(list((tmp_path / FOLDER).iterdir())) == 2
    assert late.stdout.readline().strip() in living(tmp_path).ids
    assert "late" in living(tmp_path).names
    late.communicate()


def test_half_a_line_does_not_spoil_the_next_one(tmp_path, monkeypatch):
    """A disk that is full takes a part of what is written."""
    pins = Pins(tmp_path)
    pins.add(["a" * 64])
    write = os.write

    def full(descriptor, data):
        if len(data) > 10:
            return write(descriptor, data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.write", full)
    with pytest.raises(OSError):
        pins.add(["b" * 15])
    monkeypatch.undo()
    pins.add(["b" * 15])
    assert {"a" * 64, "b" * 15} <= living(tmp_path).names
