"""A training as a job: doit and workers die, the job goes on; what comes out is what comes out here."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from forgather.runs.layout import list_checkpoints
from forgather.runs.records import read_records
from tests.integration.slurm.waiting import ASKING, wait_until
from tests.integration.workspace import Workspace

pytestmark = pytest.mark.xdist_group("workspace")

# What a node must never load: the compiler wing, the build system, and doit.
FORBIDDEN = re.compile(
    r"\| +((?:forgather\.(?:lang|project|make|config|meta_config|codegen|workspace|cli)|doit)\b\S*)"
)


class OnCluster(Workspace):
    """A test's own copy of a workspace that was built; no cache is shared with another."""

    def __init__(self, built: Workspace, root: Path, cluster) -> None:
        shutil.copytree(built.root, root, symlinks=True)
        self.root, self.cluster = root, cluster
        self.more: dict[str, str] = {}

    def forget_training(self) -> None:
        """As if it had never been trained."""
        key = json.loads((self.output / "training.json").read_text())["key"]
        (self.root / "build" / "store" / "ac" / key).unlink(missing_ok=True)
        shutil.rmtree(self.output)

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            **self.cluster.environment,
            "FORGATHER_CACHE_DIR": "off",
            "FORGATHER_EXECUTOR": "slurm",
            "FORGATHER_SLURM_POLL": "1",
            **self.more,
        }

    def last_step(self) -> int:
        """Of the newest checkpoint; 0 where there is none."""
        return max((step for step, _path in list_checkpoints(str(self.output))), default=0)

    @property
    def jobs(self) -> dict[str, dict[str, str]]:
        """What the controller knows of jobs of this workspace."""
        ours = str(self.root / "build" / "jobs")
        return {
            job: one for job, one in self.cluster.jobs().items() if one["WorkDir"].startswith(ours)
        }

    def is_over(self, job: str) -> bool:
        return self.jobs[job]["JobState"] not in ("PENDING", "RUNNING", "COMPLETING")

    @property
    def job_folders(self) -> list[Path]:
        return sorted((self.root / "build" / "jobs").iterdir())


@pytest.fixture
def remote(built, cluster, tmp_path):
    return OnCluster(built, tmp_path / "workspace", cluster)


def weights(workspace) -> str:
    return hashlib.sha256((workspace.output / "model.safetensors").read_bytes()).hexdigest()


def losses(workspace) -> list[tuple]:
    run = json.loads((workspace.output / "training.json").read_text())["run"]
    return [
        (record["global_step"], record.get("loss"), record.get("eval_loss"))
        for record in read_records(os.path.join(run, "trainer_logs.json"))
        if "loss" in record or "eval_loss" in record
    ]


def next_worker(cluster, process, last: int = 0) -> int:
    """The process of the training, once it is there and is not ``last``."""
    return wait_until(
        lambda: next(iter(set(cluster.processes("forgather.launch.worker")) - {last}), 0),
        "a worker",
        process,
        pause=ASKING,
    )


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
    remote.forget_training()
    process = remote.start("train:mini")
    worker = next_worker(cluster, process)
    wait_until(lambda: remote.last_step() >= 3, "checkpoint 3", process, pause=0.005)
    ((job, fields),) = remote.jobs.items()
    cluster.ask("scontrol", "requeue", job)
    (folder,) = remote.job_folders
    assert fields["JobState"] == "RUNNING" and fields["JobName"] == folder.name
    assert remote.output.joinpath("training.json").read_text().find(folder.name) > 0

    worker = next_worker(cluster, process, worker)
    before = remote.last_step()
    wait_until(lambda: remote.last_step() > before, "another checkpoint", process, pause=0.005)
    os.kill(worker, signal.SIGKILL)
    process.kill()
    output = process.communicate()[0]
    assert remote.jobs.keys() == {job}, output

    with edited(remote.config, "1.0e-3", "2.0e-3"):
        other = remote.doit("train:mini")
    assert other.code != 0 and "FG658" in other.output and f"scancel {job}" in other.output

    waiting = remote.start("train:mini", start_new_session=True)
    line = next(text for text in waiting.stdout if f"job {job} " in text)
    assert "Ctrl-C leaves it running" in line
    os.killpg(waiting.pid, signal.SIGINT)
    output = waiting.communicate(timeout=60)[0]
    assert waiting.returncode == 130 and f"job {job} goes on" in output, output

    last = remote.doit("train:mini")
    assert last.code == 0, last.output
    assert remote.jobs.keys() == {job}
    assert remote.jobs[job]["Restarts"] == "2", last.output
    log = (remote.root / "build/log/train-mini.log").read_text()
    assert log.count("Run directory:") == 3, log
    assert "SIGTERM: stopping after this step" in log, "the first start was asked, and saved"
    assert re.findall(r"^ +(\d+) +0\.\d+ +\d", log, re.M).count("1") == 1, "later starts resume"
    assert weights(remote) == weights(built)
    assert losses(remote) == losses(built)
    assert remote.doit("train:mini").executed == []
    assert remote.jobs.keys() == {job}, "nothing is submitted for what is done"


def test_resources_are_not_in_the_key(remote):
    meta = "[meta_output]\n    == super()\n    resources: { nodes: 2, time: 30, cpus: 2 }\n"
    settings = remote.root / "pyproject.toml"
    with (
        edited(settings, "[tool.doit]", '[tool.forgather.slurm]\npartition = "x"\n\n[tool.doit]'),
        edited(remote.config, "[trainer_args]", f"{meta}[trainer_args]"),
    ):
        result = remote.doit("train:mini")
    assert result.code == 0, result.output
    assert result.executed == ["pp:mini", "graph:mini"]
    assert remote.jobs == {}


def test_any_kind_of_step_may_be_a_job(remote):
    assert remote.doit("forget", "plot:mini").code == 0
    remote.more = {"FORGATHER_EXECUTOR_KINDS": "plot"}
    result = remote.doit("plot:mini")
    assert result.code == 0, result.output
    assert result.executed == ["plot:mini"], result.output
    (fields,) = remote.jobs.values()
    assert fields["Comment"] == "plot:mini"
    assert (remote.root / "build/mini/plot/loss.png").exists()
    assert remote.doit("plot:mini").executed == []


def test_a_chain_runs_alone_and_is_collected_later(remote):
    remote.edit(remote.config, "1.0e-3", "2.0e-3")
    remote.more = {"FORGATHER_SLURM_DETACH": "1", "PYTHONPROFILEIMPORTTIME": "1"}
    left = remote.doit("train:mini")
    assert left.code == 0, left.output
    assert "then checkpoint:mini as job" in left.output
    kinds = sorted(fields["Comment"] for fields in remote.jobs.values())
    assert kinds == ["checkpoint:mini", "plot:mini", "train:mini"]
    in_order = sorted(remote.jobs.items(), key=lambda item: int(item[0]))
    for job, fields in in_order:  # a deadline for each, not for all together
        wait_until(partial(remote.is_over, job), f"the end of {fields['Comment']}", pause=ASKING)
    assert {fields["JobState"] for fields in remote.jobs.values()} == {"COMPLETED"}

    remote.more = {"FORGATHER_EXECUTOR_KINDS": "train,checkpoint,plot"}
    result = remote.doit("train:mini")
    assert result.code == 0, result.output
    assert result.executed == ["train:mini", "checkpoint:mini", "plot:mini", "report:mini"]
    assert len(remote.jobs) == 3, "what the chain did was adopted"
    assert (remote.root / "build/mini/plot/loss.png").exists()
    assert (remote.root / "build/mini/checkpoint/model.safetensors").exists()
    log = (remote.root / "build/log/train-mini.log").read_text()
    assert "forgather.launch.gang" in log and "forgather.launch.training" in log
    assert FORBIDDEN.findall(log) == []
