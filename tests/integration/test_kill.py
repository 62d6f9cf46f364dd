"""kill -9 at any moment of a build: the next one goes on, to the same bits."""

import json
import os
import random
import shutil
import signal
import time
from contextlib import suppress

import pytest

from forgather.runs.records import read_records
from tests.integration import forked
from tests.integration.kills import KillSoak
from tests.integration.workspace import Workspace

pytestmark = pytest.mark.xdist_group("workspace")

KILLS = int(os.environ.get("FORGATHER_KILLS", "4"))
BUILD_KILLS = int(os.environ.get("FORGATHER_BUILD_KILLS", "24"))


def losses(workspace):
    ledger = json.loads((workspace.output / "training.json").read_text())
    run = ledger["run"]
    return [
        (record["global_step"], record.get("loss"), record.get("eval_loss"))
        for record in read_records(os.path.join(run, "trainer_logs.json"))
        if "loss" in record or "eval_loss" in record
    ]


def weights(workspace):
    return (workspace.output / "model.safetensors").read_bytes()


def kill_all(process):
    """The whole process group at once, as a power cut would."""
    with suppress(ProcessLookupError):  # it may have come to its end a moment ago
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def wait_for(condition, process, timeout=240):
    deadline = time.time() + timeout
    while not condition() and process.poll() is None and time.time() < deadline:
        time.sleep(0.002)


@pytest.fixture(scope="module")
def reference(built):
    return losses(built), weights(built)


@pytest.fixture
def fresh(built, tmp_path):
    """The built workspace at another path, with its training removed, from the store as well."""
    root = tmp_path / "workspace"
    shutil.copytree(built.root, root, symlinks=True)
    shutil.rmtree(root / "build" / "store")
    workspace = Workspace.__new__(Workspace)
    workspace.root = root
    shutil.rmtree(workspace.output)
    return workspace


def test_killed_at_random_moments_the_weights_and_losses_are_the_same(fresh, reference):
    chance = random.Random(20)
    for attempt in range(KILLS):
        process = fresh.start("train:mini", start_new_session=True)
        if attempt % 2:  # inside the writing of a checkpoint, where the files are made aside
            known = set(fresh.output.glob("*")) if fresh.output.exists() else set()

            def writing(known=known):
                now = set(fresh.output.glob("*")) if fresh.output.exists() else set()
                return any("checkpoint" in path.name or "tmp" in path.name for path in now - known)

            wait_for(writing, process)
        else:
            runs = fresh.output / "runs"
            wait_for(lambda runs=runs: any(runs.glob("*/trainer_logs.json")), process)
            time.sleep(chance.random() * 0.8)
        kill_all(process)
    result = fresh.doit("train:mini")
    assert result.code == 0, result.output
    assert losses(fresh) == reference[0]
    assert weights(fresh) == reference[1]


def test_killed_before_its_first_checkpoint_it_begins_again_in_the_same_run(fresh, reference):
    process = fresh.start("train:mini", start_new_session=True)
    runs = fresh.output / "runs"
    wait_for(lambda: any(log.stat().st_size for log in runs.glob("*/trainer_logs.json")), process)
    kill_all(process)
    for path in fresh.output.glob("*checkpoint-*"):  # as if there had been no time to make one
        shutil.rmtree(path)
    result = fresh.doit("train:mini")
    assert result.code == 0, result.output
    assert len(list(runs.iterdir())) == 1
    assert losses(fresh) == reference[0]
    assert weights(fresh) == reference[1]


def test_the_training_dies_with_the_build(fresh):
    process = fresh.start("train:mini")
    runs = fresh.output / "runs"
    wait_for(lambda: any(runs.glob("*/trainer_logs.json")), process)
    process.kill()
    process.communicate()
    log = next(runs.glob("*/trainer_logs.json"))
    time.sleep(0.5)
    before = log.read_bytes()
    time.sleep(1.0)
    assert log.read_bytes() == before


def test_ctrl_c_stops_saves_and_says_how_to_go_on(fresh, reference):
    process = fresh.start("train:mini", start_new_session=True)
    runs = fresh.output / "runs"
    wait_for(lambda: any(runs.glob("*/trainer_logs.json")), process)
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    if process.returncode == 0:
        pytest.skip("the training was over before the signal came")
    assert process.returncode == 130, output
    assert "doit train:mini" in output and "Traceback" not in output
    result = fresh.doit("train:mini")
    assert result.code == 0, result.output
    assert losses(fresh) == reference[0]
    assert weights(fresh) == reference[1]


def test_builds_killed_at_random_moments_lose_nothing_and_lie_about_nothing(tmp_path):
    forked.warm()
    soak = KillSoak(tmp_path, seed=4, real_every=8)
    problems = [problem for _ in range(BUILD_KILLS) for problem in soak.round()]
    assert not problems, "\n".join(problems)
    assert soak.counts.while_running > BUILD_KILLS // 4
