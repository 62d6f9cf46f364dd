"""``kill -9`` at random moments, checkpoint writes among them; and the polite signals."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from forgather.ml.checkpoint import find_latest_checkpoint
from forgather.runs.layout import list_runs
from forgather.runs.records import read_records

SCRIPT = Path(__file__).parent / "killed_training.py"
KILLS = 12


class Nursery:
    """Starts trainings one after the other, in processes of their own."""

    def __init__(self, errors):
        self.errors = errors
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(errors, "w"),  # noqa: SIM115  closed with the process
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def start(self, output_dir, delay):
        """The id of the process that trains."""
        self.process.stdin.write(f"{output_dir} {delay}\n")
        self.process.stdin.flush()
        return int(self.wait_for("pid"))

    def wait_for(self, word, count=1):
        """Read lines until ``count`` of this kind came, or the training ended; the last value."""
        while True:
            kind, value = self.process.stdout.readline().split()
            count -= kind == word
            if count == 0 or kind == "exit":
                return value if kind == word else None

    def finish(self, output_dir):
        self.start(output_dir, 0)
        assert self.wait_for("exit") == "0", self.errors.read_text()


@pytest.fixture
def nursery(tmp_path):
    made = Nursery(tmp_path / "errors.txt")
    yield made
    made.process.stdin.close()
    made.process.wait(timeout=30)
    made.process.stdout.close()


def losses(output_dir):
    """Of every record, in every run directory (the one begun last wins)."""
    found = {}
    for run in list_runs(output_dir):
        for record in read_records(run / "trainer_logs.json"):
            for kind in ("loss", "eval_loss"):
                if kind in record:
                    found[record["global_step"], kind] = record[kind]
    return found


def final_files(output_dir):
    checkpoint = find_latest_checkpoint(output_dir)
    manifest = json.loads((checkpoint / "checkpoint_manifest.json").read_text())
    names = ("model.safetensors", "optimizer_state.pt", "scheduler_state.pt", "rng_state.pt")
    return manifest["step"], [manifest["files"][name]["xxh3_128"] for name in names]


def test_a_training_killed_again_and_again_ends_bit_identical(tmp_path, nursery):
    nursery.finish(tmp_path / "whole")
    generator = random.Random(2)
    cut = tmp_path / "cut"
    inside_a_save = 0
    for _ in range(KILLS):
        process = nursery.start(cut, 0.005)
        assert nursery.wait_for("step", generator.randint(1, 8)) is not None
        time.sleep(generator.uniform(0, 0.06))
        os.kill(process, signal.SIGKILL)
        assert nursery.wait_for("exit") == "-9"
        inside_a_save += any(cut.glob(".t*-checkpoint-*"))
        assert find_latest_checkpoint(cut) is not None or not any(cut.glob("checkpoint-*"))
    nursery.finish(cut)
    assert inside_a_save > 0
    assert final_files(cut) == final_files(tmp_path / "whole")
    assert losses(cut) == losses(tmp_path / "whole")
    assert not any(cut.glob(".t*-checkpoint-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_says_how_to_go_on_and_nothing_is_lost(tmp_path, nursery, number):
    cut = tmp_path / "cut"
    process = nursery.start(cut, 0.01)
    nursery.wait_for("step", 5)
    os.kill(process, number)
    assert nursery.wait_for("exit") == "130"
    said = nursery.errors.read_text()
    assert number.name in said and "to go on: again" in said
    step, _ = final_files(cut)
    assert f"at step {step};" in said
    nursery.finish(cut)
    nursery.finish(tmp_path / "whole")
    assert final_files(cut) == final_files(tmp_path / "whole")
    assert losses(cut) == losses(tmp_path / "whole")
