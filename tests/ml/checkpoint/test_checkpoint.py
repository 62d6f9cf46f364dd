import json
import logging
import os
import random
import shutil
import subprocess
import sys

import numpy
import pytest
import torch
from torch import nn

from forgather.errors import CheckpointError
from forgather.ml.checkpoint import (
    BestCheckpoints,
    CheckpointCoordinator,
    SharingPattern,
    StateComponent,
    component_file,
    find_latest_checkpoint,
    load_model_weights,
    retie_parameters,
    rng,
    save_model_weights,
    store,
)
from forgather.ml.checkpoint.retention import to_delete


class Counter:
    """The simplest component."""

    def __init__(self, value=0):
        self.value = value

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state_dict):
        self.value = state_dict["value"]


class Tied(nn.Module):
    def __init__(self, tied=True):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        if tied:
            self.head.weight = self.embedding.weight


@pytest.fixture
def coordinator(tmp_path):
    return make_coordinator(tmp_path)


def make_coordinator(directory, **settings):
    components = [
        StateComponent("optimizer", Counter(3), SharingPattern.REPLICATED),
        StateComponent("rng", Counter(4), SharingPattern.PER_RANK),
    ]
    return CheckpointCoordinator(directory, components, model=nn.Linear(3, 2), **settings)


def values(coordinator):
    return [component.stateful.value for component in coordinator.components]


def flip_bit(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_what_is_saved_is_loaded(coordinator, tmp_path):
    path = coordinator.save_checkpoint(7)
    assert path == tmp_path / "checkpoint-7"
    assert sorted(entry.name for entry in path.iterdir()) == [
        "checkpoint_manifest.json",
        "model.safetensors",
        "optimizer_state.pt",
        "rng_state.pt",
    ]
    other = make_coordinator(tmp_path)
    for component in other.components:
        component.stateful.value = 0
    found = other.find_checkpoint(True)
    assert found == path
    other.verify(found)
    other.load_model(found)
    assert other.load_components(found) == []
    assert values(other) == [3, 4]
    assert torch.equal(other.model.weight, coordinator.model.weight)


def test_the_manifest_lists_every_component_with_size_and_hash(coordinator):
    manifest = json.loads((coordinator.save_checkpoint(1) / "checkpoint_manifest.json").read_text())
    assert set(manifest["components"]) == {"model", "optimizer", "rng"}
    assert manifest["components"]["rng"]["sharing_pattern"] == "per_rank"
    assert manifest["components"]["model"]["size_bytes"] > 0
    assert len(manifest["files"]["rng_state.pt"]["xxh3_128"]) == 32
    assert manifest["world_size"] == 1
    assert manifest["checkpoint_path"].endswith("checkpoint-1")


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer_state.pt", "rng_state.pt"])
@pytest.mark.parametrize("damage", ["flip", "truncate"])
def test_a_damaged_newer_checkpoint_is_named_and_skipped(
    coordinator, tmp_path, caplog, name, damage
):
    good = coordinator.save_checkpoint(9)
    bad = coordinator.save_checkpoint(10)
    if damage == "flip":
        flip_bit(bad / name)
    else:
        os.truncate(bad / name, (bad / name).stat().st_size - 1)
    assert find_latest_checkpoint(tmp_path) == good
    assert str(bad / name) in caplog.text
    assert bad.is_dir()
    with pytest.raises(CheckpointError, match=name):
        coordinator.verify(bad)


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1}', "[]"])
def test_a_damaged_manifest_is_no_checkpoint(coordinator, tmp_path, content):
    good = coordinator.save_checkpoint(9)
    bad = coordinator.save_checkpoint(10)
    (bad / "checkpoint_manifest.json").write_text(content)
    assert find_latest_checkpoint(tmp_path) == good


@pytest.mark.parametrize("manifest", [None, '{"components": {}}'])
def test_a_checkpoint_without_hashes_is_loaded_with_a_warning(coordinator, caplog, manifest):
    """As other tools write them: with no manifest, or with one that has no hashes."""
    path = coordinator.save_checkpoint(1)
    assert coordinator.verify(path).verified
    assert "unchecked" not in caplog.text
    (path / "checkpoint_manifest.json").unlink()
    if manifest is not None:
        (path / "checkpoint_manifest.json").write_text(manifest)
    assert not coordinator.verify(path).verified
    assert "checkpoint_manifest.json: loading by file names, unchecked" in caplog.text


def test_an_altered_manifest_is_noticed(coordinator):
    path = coordinator.save_checkpoint(1) / "checkpoint_manifest.json"
    path.write_text(path.read_text().replace('"world_size": 1', '"world_size": 2'))
    with pytest.raises(CheckpointError, match="altered"):
        coordinator.verify(path.parent)


def test_only_damaged_checkpoints_is_an_error_not_a_fresh_start(coordinator):
    flip_bit(coordinator.save_checkpoint(1) / "model.safetensors")
    with pytest.raises(CheckpointError, match="none of the 1 checkpoints"):
        coordinator.find_checkpoint(True)


def test_latest_is_by_step_never_by_time(coordinator, tmp_path):
    newest = coordinator.save_checkpoint(100)
    older = coordinator.save_checkpoint(20)
    os.utime(older, (2e9, 2e9))
    assert find_latest_checkpoint(tmp_path) == newest


def test_checkpoints_in_the_older_place_are_found(coordinator, tmp_path):
    path = coordinator.save_checkpoint(5)
    (tmp_path / "checkpoints").mkdir()
    shutil.move(path, tmp_path / "checkpoints")
    assert coordinator.find_checkpoint("") == tmp_path / "checkpoints" / "checkpoint-5"


def test_a_deleted_component_starts_afresh_loudly(coordinator, caplog):
    path = coordinator.save_checkpoint(1)
    (path / "rng_state.pt").unlink()
    assert find_latest_checkpoint(path.parent) == path
    coordinator.verify(path)
    assert coordinator.load_components(path) == ["rng"]
    assert "MISSING" in caplog.text and "rng_state.pt" in caplog.text


def test_the_model_cannot_be_skipped(coordinator, tmp_path):
    path = coordinator.save_checkpoint(1)
    (path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        coordinator.verify(path)
    with pytest.raises(CheckpointError, match="no model weights"):
        coordinator.load_model(path)


def test_a_component_that_does_not_fit_names_its_file(coordinator):
    path = coordinator.save_checkpoint(1)
    torch.save({"other": 1}, path / "rng_state.pt")
    with pytest.raises(CheckpointError, match=r"rng_state\.pt does not fit 'rng'"):
        coordinator.load_components(path)


def test_a_path_that_does_not_exist_is_an_error(coordinator, tmp_path):
    assert coordinator.find_checkpoint(False) is None
    assert coordinator.find_checkpoint(True) is None
    with pytest.raises(CheckpointError, match="does not exist"):
        coordinator.find_checkpoint(str(tmp_path / "checkpoint-3"))


def test_a_checkpoint_without_manifest_loads_by_name_with_a_warning(coordinator, caplog):
    path = coordinator.save_checkpoint(1)
    (path / "checkpoint_manifest.json").unlink()
    (path / "rng_state.pt").rename(path / "rng_state_rank_0.pt")
    assert find_latest_checkpoint(path.parent) is None
    coordinator.verify(path)
    assert "unchecked" in caplog.text
    assert coordinator.load_components(path) == []


def test_state_files_cannot_hold_pickles(tmp_path):
    class Bad(Counter):
        def state_dict(self):
            return {"a": [{"b": Counter()}]}

    bad = CheckpointCoordinator(tmp_path, [StateComponent("thing", Bad())])
    with pytest.raises(CheckpointError, match=r"thing\['a'\]\[0\]\['b'\]"):
        bad.save_checkpoint(1)
    assert list(tmp_path.iterdir()) == []


def test_state_files_are_not_unpickled(tmp_path, coordinator):
    path = coordinator.save_checkpoint(1)
    torch.save({"value": Counter()}, path / "rng_state.pt")
    with pytest.raises(CheckpointError, match="rng_state"):
        coordinator.load_components(path)


class TestRetention:
    def test_the_last_ones_by_step_stay(self, tmp_path):
        coordinator = make_coordinator(tmp_path, keep_last=2)
        for step in (8, 9, 10, 100):
            coordinator.save_checkpoint(step)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-100"]

    def test_protected_ones_and_the_newest_stay(self, tmp_path):
        coordinator = make_coordinator(tmp_path, keep_last=1, protected=lambda: ["checkpoint-1"])
        for step in (1, 2, 3):
            coordinator.save_checkpoint(step)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-1", "checkpoint-3"]

    def test_the_newest_stays_even_below_older_steps(self, tmp_path):
        checkpoints = [(step, tmp_path / f"checkpoint-{step}") for step in (5, 50, 60)]
        gone = to_delete(checkpoints, newest=tmp_path / "checkpoint-5", keep_last=1)
        assert [path.name for path in gone] == ["checkpoint-50"]

    def test_nothing_is_deleted_when_the_save_fails(self, tmp_path, monkeypatch):
        coordinator = make_coordinator(tmp_path, keep_last=1)
        coordinator.save_checkpoint(1)
        monkeypatch.setattr(store, "fsync_path", _fail)
        with pytest.raises(CheckpointError, match="could not write"):
            coordinator.save_checkpoint(2)
        assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-1"]

    def test_replacing_waits_for_the_first_new_checkpoint(self, tmp_path):
        make_coordinator(tmp_path).save_checkpoint(50)
        fresh = make_coordinator(tmp_path, replace_others=True)
        assert (tmp_path / "checkpoint-50").is_dir()
        fresh.save_checkpoint(1)
        fresh.save_checkpoint(2)
        assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint-1", "checkpoint-2"]

    def test_best_keeps_the_best_n_and_zero_is_a_value(self):
        best = BestCheckpoints(keep=2, metric="loss")
        offered = [("a", 3.0), ("b", 1.0), ("c", 2.0), ("d", 0.0), ("e", 5.0)]
        taken = [best.offer(name, m, step) for step, (name, m) in enumerate(offered)]
        assert taken == [True, True, True, True, False]
        assert [entry.name for entry in best.entries] == ["d", "b"]
        assert not best.offer("f", float("nan"), 9)
        assert best.value({"eval_loss": 0.0}) == 0.0
        assert best.value({"eval_accuracy": 1.0}) is None

    def test_best_direction_follows_the_metric(self):
        best = BestCheckpoints(keep=1, metric="eval_accuracy")
        best.offer("a", 0.5, 1)
        best.offer("b", 0.9, 2)
        assert best.best.name == "b"
        copy = BestCheckpoints(keep=1, metric="accuracy")
        copy.load_state_dict(best.state_dict())
        assert copy.entries == best.entries


def _fail(path):
    raise OSError(28, "No space left on device")


class TestAtomicity:
    def test_the_same_step_again_replaces_it(self, coordinator):
        coordinator.save_checkpoint(1)
        coordinator.components[0].stateful.value = 9
        path = coordinator.save_checkpoint(1)
        coordinator.verify(path)
        coordinator.components[0].stateful.value = 0
        coordinator.load_components(path)
        assert coordinator.components[0].stateful.value == 9
        assert [p.name for p in path.parent.iterdir()] == ["checkpoint-1"]

    def test_leftovers_of_dead_processes_are_swept(self, coordinator, tmp_path):
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        for name in (f".tmp-checkpoint-3-{dead.pid}", f".trash-checkpoint-1-{dead.pid}"):
            (tmp_path / name).mkdir()
        (tmp_path / ".tmp-checkpoint-4-1").mkdir()  # process 1 lives
        coordinator.find_checkpoint(True)
        assert [p.name for p in tmp_path.iterdir()] == [".tmp-checkpoint-4-1"]

    def test_a_kill_between_the_two_renames_of_a_swap_loses_nothing(self, coordinator, tmp_path):
        path = coordinator.save_checkpoint(1)
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        path.rename(tmp_path / f".trash-checkpoint-1-{dead.pid}")
        assert coordinator.find_checkpoint(True) == path

    @pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE behaves so on Linux")
    def test_a_file_that_cannot_be_written_leaves_the_earlier_checkpoint(self, tmp_path):
        script = f"""
import resource, torch
from torch import nn
from forgather.errors import CheckpointError
from forgather.ml.checkpoint import CheckpointCoordinator, StateComponent
torch.set_num_threads(1)
model = nn.Linear(300, 300)
coordinator = CheckpointCoordinator({str(tmp_path)!r}, [], model=model, keep_last=1)
coordinator.save_checkpoint(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    coordinator.save_checkpoint(2)
except CheckpointError as error:
    print(error.render())
"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "could not write" in done.stdout and "checkpoint-2" in done.stdout, done.stderr
        assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-1"]
        make_coordinator(tmp_path).verify(tmp_path / "checkpoint-1")

    def test_a_full_disk_is_called_that(self, tmp_path):
        mount = tmp_path / "small"
        mount.mkdir()
        options = ["-t", "tmpfs", "-o", "size=200k", "tmpfs", str(mount)]
        if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("mounting a small file system needs root")
        if subprocess.run(["mount", *options], capture_output=True).returncode:
            pytest.skip("this machine allows no mount")
        try:
            small = CheckpointCoordinator(mount, [], model=nn.Linear(100, 100), keep_last=1)
            small.save_checkpoint(1)
            big = CheckpointCoordinator(
                mount, [StateComponent("more", Padded())], model=nn.Linear(100, 100), keep_last=1
            )
            with pytest.raises(CheckpointError, match="no space left on the disk"):
                big.save_checkpoint(2)
            assert [p.name for p in mount.iterdir()] == ["checkpoint-1"]
            small.verify(mount / "checkpoint-1")
        finally:
            subprocess.run(["umount", str(mount)], check=True)


class Padded(Counter):
    def state_dict(self):
        return {"value": torch.zeros(100_000)}


class TestWeights:
    @pytest.mark.parametrize("use_safetensors", [True, False])
    def test_large_models_are_sharded_with_an_index(self, tmp_path, use_safetensors):
        model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(4)))
        names = save_model_weights(
            tmp_path, model, use_safetensors=use_safetensors, max_shard_bytes=600
        )
        assert len(names) == 3
        assert "-00001-of-00002." in names[0] and names[-1].endswith(".index.json")
        index = json.loads((tmp_path / names[-1]).read_text())
        assert index["metadata"]["total_size"] == sum(p.numel() * 4 for p in model.parameters())
        twin = nn.Sequential(*(nn.Linear(8, 8) for _ in range(4)))
        load_model_weights(tmp_path, twin)
        for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
            assert torch.equal(ours, theirs)

    def test_tied_weights_are_saved_once_and_stay_tied(self, tmp_path):
        model = Tied()
        save_model_weights(tmp_path, model)
        assert (tmp_path / "model.safetensors").stat().st_size < 2 * 5 * 3 * 4 + 250
        twin = Tied()
        load_model_weights(tmp_path, twin)
        assert twin.head.weight is twin.embedding.weight
        assert torch.equal(twin.head.weight, model.head.weight)

    def test_a_module_that_unties_gets_both_values(self, tmp_path):
        model = Tied()
        path = CheckpointCoordinator(tmp_path, [], model=model).save_checkpoint(1)
        twin = Tied(tied=False)
        load_model_weights(path, twin)
        assert torch.equal(twin.head.weight, model.head.weight)
        assert torch.equal(twin.head.weight, twin.embedding.weight)
        retie_parameters(twin, {"head.weight": "embedding.weight"})
        assert twin.head.weight is twin.embedding.weight

    def test_what_hugging_face_derives_is_what_is_left_out(self, tmp_path):
        model = Tied()
        model._tied_weights_keys = {"embedding.weight": "head.weight"}
        save_model_weights(tmp_path, model)
        from safetensors import safe_open

        with safe_open(tmp_path / "model.safetensors", "pt") as source:
            assert list(source.keys()) == ["head.weight"]

    def test_weights_of_another_model_are_refused(self, tmp_path):
        save_model_weights(tmp_path, nn.Linear(3, 2))
        with pytest.raises(CheckpointError, match="shape"):
            load_model_weights(tmp_path, nn.Linear(4, 2))
        with pytest.raises(CheckpointError, match="missing"):
            load_model_weights(tmp_path, nn.Sequential(nn.Linear(3, 2)))
        with pytest.raises(CheckpointError, match="lacks"):
            load_model_weights(tmp_path, nn.Linear(3, 2, bias=False))

    def test_an_index_cannot_lead_out_of_its_directory(self, tmp_path):
        index = {"weight_map": {"weight": "../other.safetensors"}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
        with pytest.raises(CheckpointError, match="outside"):
            load_model_weights(tmp_path, nn.Linear(3, 2))


class TestRandomState:
    def test_all_generators_come_back(self):
        rng.seed_all(5)
        state = rng.capture()
        first = [torch.rand(3).tolist(), numpy.random.rand(3).tolist(), random.random()]
        numpy.random.randn()  # leaves a cached number behind
        random.gauss(0, 1)
        rng.restore(state)
        assert [torch.rand(3).tolist(), numpy.random.rand(3).tolist(), random.random()] == first

    def test_preserved_moves_nothing(self):
        rng.seed_all(5)
        expected = [torch.rand(1).item(), random.random()]
        rng.seed_all(5)
        with rng.preserved():
            torch.rand(10)
            random.random()
        assert [torch.rand(1).item(), random.random()] == expected

    def test_the_state_survives_a_file(self, tmp_path):
        component = rng.RandomState()
        coordinator = CheckpointCoordinator(
            tmp_path, [StateComponent("rng", component, "per_rank")]
        )
        rng.seed_all(11)
        path = coordinator.save_checkpoint(1)
        expected = [torch.rand(1).item(), numpy.random.rand(), random.random()]
        coordinator.load_components(path)
        component.apply()
        assert [torch.rand(1).item(), numpy.random.rand(), random.random()] == expected


@pytest.mark.parametrize(
    ("pattern", "group", "expected"),
    [
        ("global", None, "x_state.pt"),
        ("replicated", None, "x_state.pt"),
        ("per_rank", None, "x_state_rank_3.pt"),
        ("per_group", "tp", "x_state_group_tp_grank_1_rank_3.pt"),
        ("per_node", None, "x_state_node_2_rank_3.pt"),
    ],
)
def test_file_names_by_sharing_pattern(pattern, group, expected):
    component = StateComponent("x", Counter(), pattern, process_group_name=group)
    name = component_file(component, rank=3, world_size=4, group_rank=1, node_rank=2)
    assert name == expected
    assert component_file(component) == "x_state.pt"


def test_component_keys_must_differ_and_name_files(tmp_path):
    twice = [StateComponent("a", Counter()), StateComponent("a", Counter())]
    with pytest.raises(CheckpointError, match="different keys"):
        CheckpointCoordinator(tmp_path, twice)
    with pytest.raises(CheckpointError, match="name a file"):
        StateComponent("../a", Counter())
    with pytest.raises(CheckpointError, match="per_group"):
        StateComponent("a", Counter(), "per_group")


@pytest.fixture(autouse=True)
def quiet(caplog):
    torch.set_num_threads(1)
    caplog.set_level(logging.WARNING)
