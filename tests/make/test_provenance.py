"""Where something comes from: what is recorded when it is made, and how a path is found to belong to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from forgather.errors import BuildError, UsageError
from forgather.make.catalog import Catalog
from forgather.make.digest import hash_file
from forgather.make.origin import provenance
from forgather.make.origin.circumstances import circumstances, git_state
from forgather.make.origin.described import as_data, as_lines, upstream
from forgather.make.origin.origins import Origins, root_of
from forgather.runs.ledger import LEDGER_FILE
from tests.integration import forked
from tests.integration.cheap import make_workspace

OUTPUT = "projects/run/output_models/cheap"
TASKS = ("pp", "graph", "tokenizer:vocab", "train:run", "graph:plain@size=4")


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    forked.warm()
    root = make_workspace(tmp_path_factory.mktemp("provenance") / "ws")
    done = forked.doit(root, *TASKS, environment={"FORGATHER_CACHE_DIR": "off"})
    assert done.code == 0, done.output
    return root


@pytest.fixture
def root(built_once, monkeypatch):
    monkeypatch.setenv("FORGATHER_CACHE_DIR", "off")
    monkeypatch.chdir(built_once)
    return built_once


@pytest.fixture
def origins(root):
    return Origins(Catalog(root).build)


def find(origins: Origins, name: str):
    return origins.find(name, Path(os.path.abspath(name)))


# by place


@pytest.mark.parametrize(
    ("path", "task", "chosen"),
    [
        ("build/net/model", "model:net", ("config.json", "weight.txt")),
        ("build/net/model/weight.txt", "model:net", ("weight.txt",)),
        ("build/net/config.yaml", "pp:net", ("config.yaml",)),
        ("build/plain/graph.json", "graph:plain", ("graph.json",)),
        ("build/plain@size=4/spans.json", "pp:plain@size=4", ("spans.json",)),
        (f"{OUTPUT}/checkpoint-5", "train:run", ("checkpoint-5/model.safetensors",)),
        (f"{OUTPUT}/weight.txt", "train:run", ("weight.txt",)),
        (f"{OUTPUT}/runs/log/config.yaml", "train:run", ("runs/log/config.yaml",)),
    ],
)
def test_a_path_belongs_to_what_left_it(origins, path, task, chosen):
    origin = find(origins, path)
    assert origin.task == task == origin.document["task"]
    assert tuple(sorted(origin.chosen)) == chosen
    assert origin.altered(origins.build.digests) == []


def test_a_whole_output_directory(origins):
    origin = find(origins, OUTPUT)
    assert {"model.safetensors", "checkpoint-5/model.safetensors"} <= set(origin.chosen)
    assert {"config.json", "runs/log/trainer_logs.json"} <= set(origin.chosen)


def test_a_folder_of_several_artifacts_names_them(origins):
    with pytest.raises(BuildError) as caught:
        find(origins, "build/net")
    assert caught.value.code == "FG661"
    for task in ("pp:net", "graph:net", "model:net"):
        assert task in caught.value.message


@pytest.mark.parametrize("path", ["projects/net", "build/net/model/other.txt", "nothing", "data"])
def test_what_belongs_to_nothing_says_what_was_looked_for(origins, root, path):
    with pytest.raises(BuildError) as caught:
        find(origins, path)
    assert caught.value.code == "FG660" and str(root / path) in caught.value.message
    for looked in ("state-1.sqlite", LEDGER_FILE):
        assert looked in caught.value.hint


def test_where_nothing_was_ever_built(tmp_path):
    with pytest.raises(BuildError) as caught:
        root_of(tmp_path / "a", tmp_path)
    assert caught.value.code == "FG660"


def test_the_build_root_is_found_upwards_from_the_path(root, tmp_path):
    assert root_of(root / "build" / "net" / "model", tmp_path) == root
    assert root_of(tmp_path / "copy", root / "projects") == root


# by content


def test_a_copy_elsewhere_is_known_by_its_content(origins, root, tmp_path):
    shutil.copy(root / "build/vocab/tokenizer/vocab.json", tmp_path / "mine.json")
    origin = find(origins, str(tmp_path / "mine.json"))
    assert (origin.task, origin.chosen) == ("tokenizer:vocab", ("vocab.json",))
    shutil.copytree(root / "build/net/model", tmp_path / "deployed")
    (tmp_path / "deployed" / "a note").write_text("of mine")
    assert find(origins, str(tmp_path / "deployed")).task == "model:net"
    (tmp_path / "deployed" / "weight.txt").unlink()
    with pytest.raises(BuildError, match="belongs to nothing"):
        find(origins, str(tmp_path / "deployed"))


def test_digests_and_keys_and_their_beginnings(origins, root):
    sha = hash_file(root / "build/vocab/tokenizer/vocab.json")
    for name in (sha, sha[:8], f"sha256:{sha}", str(root / "build/store/cas" / sha)):
        assert find(origins, name).task == "tokenizer:vocab"
    key = origins.build.record("model:net").key
    assert find(origins, key[:10]).task == "model:net"
    with pytest.raises(BuildError) as caught:
        find(origins, "0123456789")
    assert caught.value.code == "FG660" and str(root / "build/store") in caught.value.hint


def test_the_same_bytes_of_several_tasks(origins, monkeypatch):
    records = {task: origins.build.state.last(task) for task in ("model:net", "tokenizer:vocab")}
    same = [(task, replace(record, files={"a": "f" * 64})) for task, record in records.items()]
    monkeypatch.setattr(origins, "_records", lambda: same)
    found = find(origins, "f" * 64)
    assert (found.task, found.also) == ("model:net", ("tokenizer:vocab",))


def test_a_beginning_that_several_have(origins, monkeypatch):
    twin = {"a": "ab" * 4 + "0" * 56, "b": "ab" * 4 + "1" * 56}
    record = replace(origins.build.state.last("model:net"), files=twin)
    monkeypatch.setattr(origins, "_records", lambda: [("model:net", record)])
    with pytest.raises(UsageError, match="the beginning of 2 digests"):
        find(origins, "ab" * 4)


# what was altered, and what was lost


def test_altered_and_missing_files_are_named(origins, root, tmp_path):
    weight, config = root / "build/net/model/weight.txt", root / "build/net/model/config.json"
    before = weight.read_bytes(), config.read_bytes()
    try:
        weight.write_text("9")
        config.unlink()
        origin = find(origins, "build/net/model")
        assert sorted(origin.altered(origins.build.digests)) == ["config.json", "weight.txt"]
        text = "\n".join(as_lines(origin, origins.lineage, origins.build.digests))
        assert text.count("altered since it was made") == 2 and "it is gone" in text
    finally:
        weight.write_bytes(before[0])
        config.write_bytes(before[1])


def test_a_checkpoint_on_the_way_is_compared_with_its_manifest(origins, root):
    import xxhash

    folder = root / OUTPUT / "checkpoint-3"
    folder.mkdir()
    try:
        (folder / "model.safetensors").write_text("weights")
        (folder / "loose.txt").write_text("?")
        files = {"model.safetensors": {"xxh3_128": xxhash.xxh3_128_hexdigest(b"weights")}}
        (folder / "checkpoint_manifest.json").write_text(json.dumps({"files": files}))
        origin = find(origins, f"{OUTPUT}/checkpoint-3")
        assert origin.task == "train:run" and origin.chosen == ()
        assert origin.altered(origins.build.digests) == []
        lines = list(as_lines(origin, origins.lineage, origins.build.digests))
        assert any("as its checkpoint's manifest says" in line for line in lines)
        (folder / "model.safetensors").write_text("others")
        name = "checkpoint-3/model.safetensors"
        assert find(origins, f"{OUTPUT}/{name}").altered(origins.build.digests) == [name]
    finally:
        shutil.rmtree(folder)


def test_a_lost_entry_says_so(origins, root, tmp_path):
    record = origins.build.record("model:net")
    entry = root / "build/store/ac" / (record.entry or record.key)
    kept = shutil.move(entry, tmp_path / "entry")
    try:
        with pytest.raises(BuildError) as caught:
            find(origins, "build/net/model")
        assert caught.value.code == "FG662" and "model:net" in caught.value.message
        # A training has its own in its directory; of what it was made from, one is lost.
        found = find(origins, OUTPUT)
        assert found.task == "train:run"
        assert upstream(origins.lineage, found.document)["model:net"]["provenance"] == {}
    finally:
        shutil.move(kept, entry)


# what is recorded


def test_all_that_it_takes_to_make_it_again(origins, root):
    found = as_data(find(origins, OUTPUT), origins.lineage, origins.build.digests)
    document = found["provenance"]
    assert document["config"] == {
        "id": "run",
        "project": "projects/run",
        "name": "run.yaml",
        "variables": {},
        "roots": {"project": "projects/run", "workspace": "."},
    }
    templates = document["templates"]
    path = "${project}/templates/configs/run.yaml"
    assert templates[path] == hash_file(root / "projects/run/templates/configs/run.yaml")
    assert "${project}/meta.yaml" in templates
    assert "${workspace}/lib/common/optional.yaml" in document["absent"]
    assert document["code"]["${workspace}/code/cheap_trainer.py"]
    assert document["needs"]["model:net"]["digest"] == origins.build.record("model:net").digest
    assert document["versions"]["forgather"] and document["versions"]["python"]
    assert document["command"][0] == "doit" and "train:run" in document["command"]
    assert document["machine"]["cores"] >= 1 and document["time"].endswith("Z")
    model = found["upstream"]["model:net"]["provenance"]
    assert model["code"]["${workspace}/shapes/square.py"]
    json.dumps(found)


def test_data_files_are_in_it(origins):
    document = find(origins, "build/corpus/dataset").document
    kinds = {tuple(read[:2]) for read in document["data"]}
    assert ("file", "${workspace}/data/one.txt") in kinds
    assert ("listing", "${workspace}/data") in kinds
    assert document["code"]["${workspace}/code/casing.py"]


def test_a_config_that_is_used_and_is_no_artifact(origins):
    """The tokenizer is made of a text that is a plain target of another config."""
    document = find(origins, "build/vocab/tokenizer").document
    used = document["uses"]["corpus"]
    assert "${project}/templates/configs/corpus.yaml" in used["templates"]


def test_nothing_of_this_machine_is_named_by_its_whole_path(origins, root):
    for path in ("build/net/model", "build/vocab/tokenizer", OUTPUT, "build/corpus/dataset"):
        assert str(root) not in json.dumps(find(origins, path).document)


def test_text_and_graph(origins, root):
    document = find(origins, "build/plain/graph.json").document
    assert "${project}/templates/configs/plain.yaml" in document["templates"]
    assert document["environment"] == {"CHEAP_USER": ""}
    lines = "\n".join(
        as_lines(find(origins, "build/plain/config.yaml"), origins.lineage, origins.build.digests)
    )
    assert "lib/base.yaml" in lines and "(not set)     CHEAP_USER" in lines


def test_reads_are_split_and_joined():
    reads = {"${project}/a": "1" * 64, "${project}/b": "absent", "environment variable X": ""}
    document = provenance.split_reads(reads)
    assert document == {
        "templates": {"${project}/a": "1" * 64},
        "absent": ["${project}/b"],
        "environment": {"X": ""},
    }
    assert provenance.joined_reads(document) == reads


def test_a_provenance_file_that_is_none_is_ignored(tmp_path):
    assert provenance.read(tmp_path) == {}
    for text in ("[1]", "{", '{"schema": 99}'):
        (tmp_path / provenance.FILE).write_text(text)
        assert provenance.read(tmp_path) == {}


# circumstances


def test_git_revision_and_whether_the_tree_is_dirty(tmp_path):
    def git(*arguments):
        person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *person, *arguments], check=True)

    assert git_state(tmp_path, ask=True) == {}
    git("init", "-q")
    assert git_state(tmp_path, ask=True) == {}, "no commit yet"
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("1")
    git("add", ".")
    git("commit", "-qm", "one")
    command = ["git", "-C", str(tmp_path), "rev-parse", "HEAD"]
    head = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert git_state(tmp_path / "a", ask=False) == {"revision": head, "prefix": "a"}
    assert git_state(tmp_path, ask=True)["dirty"] is False
    git("pack-refs", "--all")
    (tmp_path / "a" / "file").write_text("2")
    git("commit", "-qam", "two")
    git("checkout", "-q", "HEAD~0")
    state = git_state(tmp_path, ask=False)
    assert state["revision"] != head and len(state["revision"]) == 40


def test_numeric_settings_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setattr("sys.argv", ["/x/doit/__main__.py", "train:a"])
    found = circumstances(tmp_path, ask=True)
    assert found["machine"]["environment"]["OMP_NUM_THREADS"] == "3"
    assert found["command"] == ["doit", "train:a"]
    assert "machine" not in circumstances(tmp_path, ask=False)
