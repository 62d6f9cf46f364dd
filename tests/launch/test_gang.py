"""What each node of a gang runs."""

from __future__ import annotations

import sys

import pytest

from forgather.errors import BuildError
from forgather.launch.gang import Gang

SLURM = {
    "SLURM_JOB_ID": "12",
    "SLURM_RESTART_COUNT": "1",
    "SLURM_NNODES": "4",
    "SLURM_STEP_NUM_NODES": "2",
    "SLURM_NODEID": "1",
    "SLURM_LAUNCH_NODE_IPADDR": "10.0.0.1",
}


def test_from_slurm():
    assert Gang.from_environment(SLURM) == Gang(2, 1, "10.0.0.1", "12.1")


def test_from_variables_of_ours():
    environ = SLURM | {
        "FORGATHER_NODES": "3",
        "FORGATHER_NODE_RANK": "2",
        "FORGATHER_NODE_HOST": "first",
        "FORGATHER_NODE_PORT": "1234",
    }
    assert Gang.from_environment(environ) == Gang(3, 2, "first", fixed_port=1234)


def test_one_process_needs_no_launcher(tmp_path):
    gang = Gang.from_environment({})
    assert gang.command(["-m", "x"], 1, tmp_path) == [sys.executable, "-m", "x"]


def test_several_processes_of_one_node_stand_alone(tmp_path):
    command = Gang().command(["-m", "x"], 2, tmp_path)
    assert command[1:] == [
        "-m",
        "torch.distributed.run",
        "--nproc-per-node=2",
        "--standalone",
        "-m",
        "x",
    ]


def test_the_first_node_says_where_to_meet(tmp_path):
    first = Gang(2, 0, "10.0.0.1", "12.0").command(["x.py"], 1, tmp_path)
    second = Gang(2, 1, "10.0.0.1", "12.0").command(["x.py"], 1, tmp_path)
    assert "--node-rank=0" in first and "--node-rank=1" in second
    assert [word for word in first if word.startswith("--master")] == [
        word for word in second if word.startswith("--master")
    ]


def test_a_restart_does_not_meet_what_an_earlier_start_left(tmp_path):
    Gang(2, 0, attempt="12.0").port(tmp_path)
    with pytest.raises(BuildError, match="waited"):
        Gang(2, 1, attempt="12.1").port(tmp_path, wait=0.2)
