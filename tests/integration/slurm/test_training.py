"""A training as a job: doit and workers die, the job goes on; what comes out is what comes out here."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from forgather.runs.records import read_records
from tests.integration.workspace import Workspace

pytestmark = pytest.mark.xdist_group("workspace")

# What a node must never load: the compiler wing, the build system, and doit.
FORBIDDEN = re.compile(
    r"\| +((?:forgather\.(?:lang|project|make|config|meta_config|codegen|workspace|cli)|doit)\b\S*)"
)


class OnCluster(Workspace):
    """A copy of a workspace that was built, with its training removed."""

    def __init__(self, built: Workspace, root: Path, cluster) -> None:
        shutil.copytree(built.root, root, symlinks=True)
        self.root, self.cluster = root, cluster
        key = json.loads((self.output / "training.json").read_text())["key"]
        (root / "build" / "store" / "ac" / key).unlink(missing_ok=True)
        shutil.rmtree(self.output)
        self.more: dict[str, str] = {}

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            **self.cluster.environment,
            "FORGATHER_CACHE_DIR": "off",
            "FORGATHER_EXECUTOR": "slurm",
            "FORGATHER_SLURM_POLL": "0.3",
            **self.more,
        }

    def has_checkpoint(self, step: int) -> bool:
        return (self.output / f"checkpoint-{step}" / "model.safetensors").exists()

    @property
    def jobs(self) -> dict[str, dict[str, str]]:
        """What the controller knows of jobs of this workspace."""
        ours = str(self.root / "build" / "jobs")
        return {
            job: one for job, one in self.cluster.jobs().items() if one["WorkDir"].startswith(ours)
        }

    @property
    def job_folders(self) -> list[Path]:
        return sorted((self.root / "build" / "jobs").iterdir())


@pytest.fixture(scope="module")
def remote(built, cluster, tmp_path_factory):
    return OnCluster(built, tmp_path_factory.mktemp("remote") / "workspace", cluster)


def weights(workspace) -> str:
    return hashlib.sha256((workspace.output / "model.safetensors").read_bytes()).hexdigest()


def losses(workspace) -> list[tuple]:
    run = json.loads((workspace.output / "training.json").read_text())["run"]
    return [
        (record["global_step"], record.get("loss"), record.get("eval_loss"))
        for record in read_records(os.path.join(run, "trainer_logs.json"))
        if "loss" in record or "eval_loss" in record
    ]


def wait_until(condition, what: str, process=None, seconds: float = 240) -> None:
    """Wait; in vain where ``process`` ends before."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: it did not happen"
        assert process is None or process.poll() is None, process.communicate()[0]
        time.sleep(0.005)


def next_worker(cluster, process, last: int = 0) -> int:
    """The process of the training, once it is there and is not ``last``."""
    found: list[int] = []
    wait_until(
        lambda: found.extend(set(cluster.processes("forgather.launch.worker")) - {last}) or found,
        "a worker",
        process,
    )
    return found[0]


@contextmanager
def edited(path: Path, old: str, new: str):
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new, 1))
    try:
        yield
    finally:
        path.write_text(before)


def test_whatever_dies_the_job_goes_on_to_the_same_bits(built, remote, cluster):
    process = remote.start("train:mini")
    worker = next_worker(cluster, process)
    wait_until(lambda: remote.has_checkpoint(3), "checkpoint 3", process)
    os.kill(worker, signal.SIGKILL)
    process.kill()
    output = process.communicate()[0]
    assert len(remote.jobs) == 1, output
    (job, fields), (folder,) = *remote.jobs.items(), remote.job_folders
    assert fields["JobName"] == folder.name, "a job is named after the action's key"
    assert remote.output.joinpath("training.json").read_text().find(folder.name) > 0

    with edited(remote.config, "1.0e-3", "2.0e-3"):
        other = remote.doit("train:mini")
    assert other.code != 0 and "FG658" in other.output and f"scancel {job}" in other.output

    waiting = remote.start("train:mini", start_new_session=True)
    line = next(text for text in waiting.stdout if f"job {job} " in text)
    assert "Ctrl-C leaves it running" in line
    os.killpg(waiting.pid, signal.SIGINT)
    output = waiting.communicate(timeout=60)[0]
    assert waiting.returncode == 130 and f"job {job} goes on" in output, output

    again = remote.start("train:mini")
    worker = next_worker(cluster, again, worker)
    wait_until(lambda: remote.has_checkpoint(6), "checkpoint 6", again)
    os.kill(worker, signal.SIGKILL)
    output = again.communicate(timeout=120)[0]
    assert again.returncode == 0, output
    assert remote.jobs.keys() == {job}
    assert remote.jobs[job]["Restarts"] == "2", output
    log = (remote.root / "build/log/train-mini.log").read_text()
    assert log.count("Run directory:") == 3, log
    assert re.findall(r"^ +(\d+) +0\.\d+ +\d", log, re.M).count("1") == 1, "later starts resume"
    assert weights(remote) == weights(built)
    assert losses(remote) == losses(built)


def test_again_submits_nothing_and_resources_are_not_in_the_key(remote, cluster):
    known = remote.jobs.keys()
    again = remote.doit("train:mini")
    assert again.executed == [], again.output
    meta = "[meta_output]\n    == super()\n    resources: { nodes: 2, time: 30, cpus: 2 }\n"
    settings = remote.root / "pyproject.toml"
    with (
        edited(settings, "[tool.doit]", '[tool.forgather.slurm]\npartition = "x"\n\n[tool.doit]'),
        edited(remote.config, "[trainer_args]", f"{meta}[trainer_args]"),
    ):
        result = remote.doit("train:mini")
    assert result.code == 0, result.output
    assert {name.partition(":")[0] for name in result.executed} <= {"pp", "graph"}
    assert remote.jobs.keys() == known


def test_any_kind_of_step_may_be_a_job(remote, cluster):
    known = set(remote.jobs)
    assert remote.doit("forget", "plot:mini").code == 0
    remote.more = {"FORGATHER_EXECUTOR_KINDS": "plot"}
    result = remote.doit("plot:mini")
    remote.more = {}
    assert result.code == 0 and "plot:mini" in result.executed, result.output
    restored = {"pp:mini", "graph:mini"}  # the test before put its edits back
    assert set(result.executed) <= {"plot:mini", *restored}, result.output
    (job,) = set(remote.jobs) - known
    assert remote.jobs[job]["Comment"] == "plot:mini"
    assert (remote.root / "build/mini/plot/loss.png").exists()
    assert remote.doit("plot:mini").executed == []


def test_a_chain_runs_alone_and_is_collected_later(remote, cluster):
    known = set(remote.jobs)
    with edited(remote.config, "1.0e-3", "2.0e-3"):
        remote.more = {"FORGATHER_SLURM_DETACH": "1", "PYTHONPROFILEIMPORTTIME": "1"}
        left = remote.doit("train:mini")
        remote.more = {"FORGATHER_EXECUTOR_KINDS": "train,checkpoint,plot"}
        assert left.code == 0, left.output
        assert "then checkpoint:mini as job" in left.output
        jobs = {job: one for job, one in remote.jobs.items() if job not in known}
        assert {one["Comment"] for one in jobs.values()} == {
            "train:mini",
            "checkpoint:mini",
            "plot:mini",
        }
        wait_until(
            lambda: all(remote.jobs[job]["JobState"] == "COMPLETED" for job in jobs), "the chain"
        )
        result = remote.doit("train:mini")
        assert result.code == 0, result.output
        assert {"checkpoint:mini", "plot:mini", "report:mini"} <= set(result.executed)
        assert set(remote.jobs) == known | set(jobs), "what the chain did was adopted"
        assert (remote.root / "build/mini/plot/loss.png").exists()
        assert (remote.root / "build/mini/checkpoint/model.safetensors").exists()
    log = (remote.root / "build/log/train-mini.log").read_text()
    assert "forgather.launch.gang" in log and "forgather.launch.training" in log
    assert FORBIDDEN.findall(log) == []
