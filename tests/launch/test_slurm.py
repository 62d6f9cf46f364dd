"""The adapter, against programs that answer as Slurm's do."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from forgather.errors import BuildError, UsageError
from forgather.launch.bundle import Bundle
from forgather.launch.executors import engine
from forgather.launch.executors.resources import Resources, load_resources
from forgather.launch.executors.slurm import batch_script

FAKE = '#!/bin/sh\necho "$(basename "$0") $*" >> "{log}"\n{body}\n'


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Puts programs into the PATH: ``fake(sbatch="echo 12")``; ``fake.calls()``."""
    log = tmp_path / "calls"

    def put(**bodies: str) -> None:
        for name, body in bodies.items():
            path = tmp_path / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(FAKE.format(log=log, body=body))
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")

    put.calls = lambda: log.read_text().splitlines()
    return put


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "a job's folder"
    folder.mkdir()
    return Bundle("train:mini", "f" * 64, "t", str(folder), ["-m", "x"])


def test_submitting_gives_the_job_and_says_what_it_waits_for(fake, bundle, tmp_path):
    fake(sbatch="echo '12;cluster'")
    assert engine("slurm").submit(bundle, Resources(), tmp_path / "log" / "x", after="11") == "12"
    (call,) = fake.calls()
    assert call.startswith("sbatch --parsable --dependency=afterok:11 --kill-on-invalid-dep=yes ")


def test_the_script_asks_for_the_resources_and_is_a_shell_script(bundle, tmp_path):
    resources = Resources(
        nodes=2,
        gpus="H100:8",
        cpus=16,
        memory="64G",
        time="1-0",
        account="me and you",
        setup=("module load x",),
        extra=("--exclusive",),
    )
    text = batch_script(bundle, resources, tmp_path / "50%")
    directives = [line for line in text.splitlines() if line.startswith("#SBATCH ")]
    for expected in (
        f"--job-name={'f' * 64}",
        "--requeue",
        "--open-mode=append",
        "--nodes=2",
        "--gpus-per-node=H100:8",
        "--account='me and you'",
        "--signal=B:USR1@120",
        "--exclusive",
    ):
        assert f"#SBATCH {expected}" in directives
    assert f"#SBATCH --output={shlex.quote(f'{tmp_path}/50%%')}" in directives
    command = shlex.join(["-m", "forgather.launch.bundle", f"{bundle.folder}/bundle.json"])
    assert (
        f"{command} {shlex.quote(f'{tmp_path}/50%')} &\n" in text
    ), "the node itself opens the log"
    assert "\nmodule load x\n" in text and "--cpus-per-task=16" in text
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_a_job_is_found_by_its_name_and_place(fake, bundle):
    folder = Path(bundle.folder)
    fake(squeue=f'echo "7|/other/checkout"; echo "8|{folder}"')
    slurm = engine("slurm")
    assert slurm.find(bundle.key, folder) == "8"
    assert slurm.find(bundle.key, folder, ignore="8") is None
    assert f"--name={bundle.key}" in fake.calls()[0]


@pytest.mark.parametrize(
    ("answer", "is_alive", "text"),
    [
        ("JobState=RUNNING Reason=None", True, "RUNNING"),
        ("JobState=PENDING Reason=Resources", True, "PENDING (Resources)"),
        ("JobState=COMPLETING Reason=None", True, "COMPLETING"),
        ("JobState=FAILED ExitCode=127:0", False, "FAILED (exit 127:0)"),
        ("JobState=CANCELLED ExitCode=0:15", False, "CANCELLED (exit 0:15)"),
        ("JobState=NODE_FAIL ExitCode=0:0", False, "NODE_FAIL"),
    ],
)
def test_states(fake, answer, is_alive, text):
    fake(scontrol=f"echo JobId=3 {answer}")
    state = engine("slurm").state("3")
    assert (state.is_alive, state.text) == (is_alive, text)


def test_a_job_that_is_forgotten_is_over_and_a_controller_that_is_away_ends_nothing(fake):
    fake(scontrol="echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert not engine("slurm").state("3").is_alive
    fake(scontrol="echo 'Unable to contact slurm controller' >&2; exit 1")
    assert engine("slurm").state("3").is_alive


def test_what_sbatch_complains_of_is_said(fake, bundle, tmp_path):
    fake(sbatch="echo 'sbatch: error: invalid partition specified: x' >&2; exit 1")
    with pytest.raises(BuildError, match="invalid partition specified: x") as caught:
        engine("slurm").submit(bundle, Resources(), tmp_path / "log")
    assert "tool.forgather.slurm" in caught.value.hint


def test_without_slurm_it_says_so(monkeypatch, tmp_path, bundle):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="squeue is not to be found"):
        engine("slurm").find("k", tmp_path)


def test_an_unknown_executor_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="no executor 'slrum'") as caught:
        engine("slrum")
    assert "slurm" in caught.value.hint


def test_resources_come_from_three_places_the_last_wins(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.forgather.slurm]\npartition = "long"\nnodes = 2\ncpus = 4\n'
        "[tool.forgather.slurm.train]\nnodes = 3\n[tool.forgather.slurm.plot]\nnodes = 9\n"
    )
    meta = {"resources": {"cpus": 8, "extra": "--exclusive"}}
    train = load_resources(tmp_path, "train", meta)
    assert (train.partition, train.nodes, train.cpus) == ("long", 3, 8)
    assert train.extra == ("--exclusive",)
    plot = load_resources(tmp_path, "plot", meta)
    assert (plot.nodes, plot.cpus) == (9, 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"node": 2}, "no resource 'node'"),
        ({"nodes": "two"}, "nodes is 'two'"),
        ({"nodes": True}, "nodes is True"),
        ({"extra": {"a": 1}}, "extra is"),
        ({"setup": ["a\nb"]}, "setup is"),
        ({"partition": "a\n#SBATCH --uid=0"}, "partition is"),
    ],
)
def test_resources_that_make_no_sense_are_named(values, message):
    with pytest.raises(BuildError, match=message) as caught:
        Resources().updated(values, "here")
    assert caught.value.code == "FG654"
