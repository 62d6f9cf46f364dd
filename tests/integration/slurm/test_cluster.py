"""Bundles on a real two-node Slurm: started, restarted, chained, and as a gang."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forgather.launch.bundle import BUNDLE_FILE, Bundle, read_result
from forgather.launch.executors import engine
from forgather.launch.executors.resources import Resources
from tests.integration.slurm.waiting import ASKING, wait_until

pytestmark = pytest.mark.xdist_group("slurm")

ALL_REDUCE = """\
import os, sys
import torch, torch.distributed as dist
torch.set_num_threads(1)
dist.init_process_group("gloo")
total = torch.tensor([float(dist.get_rank() + 1), float(os.environ["SLURM_NODEID"])])
dist.all_reduce(total)
if dist.get_rank() == 0:
    assert os.environ["SLURM_NODEID"] == "0", "the first node is rank 0"
    open(sys.argv[1], "w").write(f"{dist.get_world_size()} {total.tolist()}")
dist.destroy_process_group()
"""


@pytest.fixture
def slurm(cluster, monkeypatch):
    for name, value in cluster.environment.items():
        monkeypatch.setenv(name, value)
    return engine("slurm")


def bundle_of(folder: Path, key: str, source: str, **more) -> Bundle:
    folder.mkdir()
    (folder / "out").mkdir()
    program = folder / "program.py"
    program.write_text(source)
    argv = [str(program), str(folder / "out" / "result.txt")]
    outputs = {"kind": "tree", "root": str(folder / "out")}
    bundle = Bundle(f"test:{key}", key, f"ticket-{key}", str(folder), argv, outputs=outputs, **more)
    (folder / BUNDLE_FILE).write_text(bundle.dumps())
    return bundle


def result_of(bundle: Bundle) -> dict:
    folder = Path(bundle.folder)
    return wait_until(lambda: read_result(folder, bundle.ticket), f"the result of {bundle.name}")


def has_content(path: Path) -> bool:
    return path.exists() and path.read_text() != ""


def is_started_again(cluster, job: str) -> bool:
    fields = cluster.jobs()[job]
    return fields["JobState"] == "RUNNING" and fields["Restarts"] != "0"


def wait_for_idle_nodes(cluster) -> None:
    wait_until(cluster.is_idle, "both nodes idle", pause=ASKING)


def test_a_gang_over_two_nodes(slurm, tmp_path):
    bundle = bundle_of(tmp_path / "gang", "gang", ALL_REDUCE, processes=2)
    slurm.submit(bundle, Resources(nodes=2), tmp_path / "gang" / "log")
    result = result_of(bundle)
    assert result["error"] is None, (tmp_path / "gang" / "log").read_text()
    assert (tmp_path / "gang" / "out" / "result.txt").read_text() == "4 [10.0, 2.0]"
    assert list(result["outputs"]) == ["result.txt"]
    assert slurm.find("gang", tmp_path / "elsewhere") is None


def test_what_follows_a_failure_never_runs(slurm, cluster, tmp_path):
    first = bundle_of(tmp_path / "first", "first", "raise SystemExit(3)")
    second = bundle_of(tmp_path / "second", "second", "raise AssertionError")
    job = slurm.submit(first, Resources(), tmp_path / "first" / "log")
    after = slurm.submit(second, Resources(), tmp_path / "second" / "log", after=job)
    assert result_of(first)["error"] == "the worker process ended with status 3"
    wait_until(lambda: not slurm.state(after).is_alive, "its end", pause=ASKING)
    assert slurm.state(job).text.startswith("FAILED")
    assert slurm.state(after).text.startswith("CANCELLED")
    assert not (tmp_path / "second" / "log").exists()


def test_the_time_limit_asks_for_another_turn(slurm, cluster, tmp_path):
    """What is asked to stop ends without a result, and the job is started again."""
    source = (
        "import os, signal, sys, time, pathlib\n"
        "out = pathlib.Path(sys.argv[1])\n"
        "if os.environ.get('SLURM_RESTART_COUNT', '0') != '0':\n"
        "    out.write_text('again'); raise SystemExit\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))\n"
        "out.write_text('first'); time.sleep(60)\n"
    )
    bundle = bundle_of(tmp_path / "limit", "limit", source)
    job = slurm.submit(bundle, Resources(time=10), tmp_path / "limit" / "log")
    out = tmp_path / "limit" / "out" / "result.txt"
    wait_until(lambda: has_content(out), "the first start")
    cluster.ask("scancel", "--batch", "--signal=USR1", job)  # as Slurm does before the limit
    assert result_of(bundle)["error"] is None
    assert out.read_text() == "again"
    assert cluster.jobs()[job]["Restarts"] == "1"


def test_a_job_that_is_preempted_goes_on_later(slurm, cluster, tmp_path):
    """What a more urgent job takes the node from is asked to stop, waits, and starts again."""
    source = (
        "import os, signal, sys, time, pathlib\n"
        "out = pathlib.Path(sys.argv[1])\n"
        "def stop(*_): out.with_name('asked').touch(); sys.exit(1)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "again = out.exists()\n"
        "out.write_text('again' if again else 'first')\n"
        "time.sleep(0 if again else 60)\n"
    )
    bundle = bundle_of(tmp_path / "preempted", "preempted", source)
    job = slurm.submit(bundle, Resources(), tmp_path / "preempted" / "log")
    out = tmp_path / "preempted" / "out" / "result.txt"
    wait_until(lambda: has_content(out), "the first start")
    program = "import sys; open(sys.argv[1], 'w').write('done')"
    urgent = bundle_of(tmp_path / "urgent", "urgent", program)
    whole = Resources(nodes=2, partition="urgent", extra=("--exclusive",))
    slurm.submit(urgent, whole, tmp_path / "urgent" / "log")
    assert result_of(urgent)["error"] is None
    assert result_of(bundle)["error"] is None
    assert out.read_text() == "again" and out.with_name("asked").exists()
    assert cluster.jobs()[job]["Restarts"] == "1"
    wait_for_idle_nodes(cluster)


def test_a_job_that_is_cancelled_stays_so(slurm, cluster, tmp_path):
    source = "import sys, time\nopen(sys.argv[1], 'w').close()\ntime.sleep(60)\n"
    bundle = bundle_of(tmp_path / "cancel", "cancel", source)
    job = slurm.submit(bundle, Resources(), tmp_path / "cancel" / "log")
    wait_until((tmp_path / "cancel" / "out" / "result.txt").exists, "the start")
    assert slurm.find("cancel", tmp_path / "cancel") == job
    cluster.ask("scancel", job)
    wait_until(lambda: not slurm.state(job).is_alive, "its end", pause=ASKING)
    assert read_result(tmp_path / "cancel", bundle.ticket) is None
    assert cluster.jobs()[job]["Restarts"] == "0"


def test_a_node_that_dies_is_replaced_by_the_other(slurm, cluster, tmp_path):
    source = (
        "import os, sys, time, pathlib\n"
        "out = pathlib.Path(sys.argv[1])\n"
        "is_first = not out.exists()\n"
        "out.write_text(os.environ['SLURMD_NODENAME'])\n"
        "time.sleep(60 if is_first else 0)\n"
    )
    bundle = bundle_of(tmp_path / "crash", "crash", source)
    job = slurm.submit(bundle, Resources(), tmp_path / "crash" / "log")
    out = tmp_path / "crash" / "out" / "result.txt"
    wait_until(lambda: has_content(out), "the start")
    node = out.read_text()
    cluster.crash(node)
    try:
        assert result_of(bundle)["error"] is None
    finally:
        cluster.start_node(node)
    assert out.read_text() == {"n1": "n2", "n2": "n1"}[node]
    assert cluster.jobs()[job]["Restarts"] == "1"
    wait_for_idle_nodes(cluster)


def test_a_node_that_is_lost_from_sight_finishes_what_it_does(slurm, cluster, tmp_path):
    """Its job is started on the other node, and waits there for what the first start leaves."""
    source = (
        "import os, sys, time, pathlib\n"
        "out = pathlib.Path(sys.argv[1])\n"
        "with open(out, 'a') as stream: stream.write(os.environ['SLURMD_NODENAME'])\n"
        "while not out.parents[1].joinpath('go').exists(): time.sleep(0.05)\n"
        "print('said at once', flush=True)\n"
        "print('said at the end')\n"
    )
    bundle = bundle_of(tmp_path / "lost", "lost", source)
    log = tmp_path / "lost" / "log"
    job = slurm.submit(bundle, Resources(), log)
    out = tmp_path / "lost" / "out" / "result.txt"
    wait_until(lambda: has_content(out), "the start")
    node = out.read_text()
    cluster.lose(node)
    try:
        wait_until(lambda: is_started_again(cluster, job), "another start", pause=ASKING)
        (tmp_path / "lost" / "go").touch()
        result = result_of(bundle)
    finally:
        cluster.start_node(node)
    assert result["error"] is None, log.read_text()
    assert result["attempt"] == f"{job}.0" and out.read_text() == node, "it ran once"
    assert "said at once\nsaid at the end\n" in log.read_text()
    wait_until(lambda: not slurm.state(job).is_alive, "its end", pause=ASKING)
    assert slurm.state(job).text == "COMPLETED" and cluster.jobs()[job]["Restarts"] == "1"
    wait_for_idle_nodes(cluster)


def test_an_input_that_changed_is_named(slurm, tmp_path):
    data = tmp_path / "data.txt"
    data.write_text("one")
    bundle = bundle_of(tmp_path / "input", "input", "raise AssertionError")
    spec = json.loads(bundle.dumps()) | {"inputs": [{"path": str(data), "sha256": "0" * 64}]}
    (tmp_path / "input" / BUNDLE_FILE).write_text(json.dumps(spec))
    slurm.submit(bundle, Resources(), tmp_path / "input" / "log")
    error = result_of(bundle)["error"]
    assert "FG651" in error and str(data) in error
