"""Made again from its provenance: equal to the bit, or what differs and why; and what cannot be had."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from forgather.cli.main import main
from tests.integration import forked
from tests.integration.cheap import make_workspace
from tests.integration.test_edits import (
    NET,
    RUN,
    VALUES,
    append,
    change,
    copy,
    remove,
    write,
)

OUTPUT = "projects/run/output_models/cheap"
RANDOM = """\
import random

if what == "model":
    import net_maker

    net_maker.WEIGHT = random.random()
"""


class Space:
    """A workspace that was built, and ``forgather`` in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment: dict[str, str] = {}

    def path(self, name: str) -> Path:
        return self.root / name

    def build(self, *tasks: str) -> None:
        forked.warm()
        environment = {"FORGATHER_CACHE_DIR": "off", **self.environment}
        done = forked.doit(self.root, *tasks, environment=environment)
        assert done.code == 0, done.output


@pytest.fixture(scope="module")
def built_once(tmp_path_factory):
    space = Space(make_workspace(tmp_path_factory.mktemp("reproduce") / "ws"))
    space.build("pp", "graph", "tokenizer:vocab", "train:run", "graph:plain@size=4")
    return space.root


@pytest.fixture
def space(built_once, tmp_path, monkeypatch):
    """A copy of the workspace, with all that was built, in the same place for every test."""
    kept = tmp_path / "kept"
    shutil.copytree(built_once, kept, symlinks=True)
    monkeypatch.chdir(built_once)
    monkeypatch.setenv("FORGATHER_CACHE_DIR", "off")
    yield Space(built_once)
    shutil.rmtree(built_once)
    shutil.copytree(kept, built_once, symlinks=True)


@pytest.fixture
def reproduce(capfd):
    """Run ``forgather reproduce``; exit code, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["reproduce", *arguments])
        shown = capfd.readouterr()
        assert "Traceback" not in shown.err
        return code, shown.out, shown.err

    return run


@pytest.mark.parametrize(
    ("path", "task"),
    [
        ("build/plain/config.yaml", "pp:plain"),
        ("build/plain/graph.json", "graph:plain"),
        ("build/plain@size=4/graph.json", "graph:plain@size=4"),
        ("build/corpus/dataset/one.txt", "dataset:corpus"),
        ("build/vocab/tokenizer", "tokenizer:vocab"),
        ("build/net/model", "model:net"),
        (OUTPUT, "train:run"),
    ],
)
def test_the_same_comes_out(space, reproduce, path, task):
    code, out, err = reproduce(path)
    assert code == 0, err
    assert out.startswith(f"{task} came out the same, to the bit: ")
    assert f"from the store: {task}" not in out


def test_from_scratch_nothing_comes_from_the_store(space, reproduce, monkeypatch):
    monkeypatch.setenv("CHEAP_LOG", str(space.path("log")))
    code, out, _ = reproduce(OUTPUT, "--from-scratch")
    assert code == 0 and "from the store" not in out and "made again, too: model:net" in out
    assert space.path("log").read_text().split() == ["model", "train"]
    space.path("log").unlink()
    code, out, _ = reproduce(OUTPUT)
    assert code == 0 and "from the store: model:net" in out
    assert space.path("log").read_text().split() == ["train"]


EDITS = {
    "a template": change(NET, "count: 2", "count: 3"),
    "a template that is gone": remove(NET),
    "code": change("code/net_maker.py", "WEIGHT = 1", "WEIGHT = 2"),
    "code that is gone": remove("code/net_maker.py"),
    "a shadow": copy(VALUES, "upper/common/values.yaml", "alpha: 1", "alpha: 9"),
    "data": change("data/one.txt", "once", "twice"),
    "more data": write("data/three.txt", "three\n"),
    "less data": remove("data/two.txt"),
    "what it is made from": change(RUN, "seed: 42", "seed: 43"),
}


@pytest.mark.parametrize("name", EDITS, ids=[name.replace(" ", "-") for name in EDITS])
def test_it_is_made_of_the_sources_of_then(space, reproduce, name):
    EDITS[name](space)
    paths = ["build/corpus/dataset" if "data" in name else "build/net/model"]
    for path in [*paths, OUTPUT] if name == "what it is made from" else paths:
        code, out, err = reproduce(path, "--from-scratch")
        assert code == 0, out + err


def test_a_source_that_is_lost_is_named_with_where_it_was_looked_for(space, reproduce):
    EDITS["a template"](space)
    EDITS["code"](space)
    shutil.rmtree(space.path("build/store/sources"))
    code, out, err = reproduce("build/net/model")
    assert code == 1 and out == ""
    assert "error[FG663]" in err and "2 of its sources" in err
    for name in (NET, "code/net_maker.py"):
        (line,) = [line for line in err.splitlines() if line.strip().startswith(f"{name} (sha256 ")]
        assert "build/store/sources" in line and "the working tree" in line


def test_git_has_what_the_store_has_lost(space, reproduce):
    def git(*arguments: str) -> None:
        person = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", *person, *arguments], check=True, capture_output=True)

    write(".gitignore", "/build/\noutput_models/\n")(space)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "then")
    space.build("forget", "model:net")
    space.build("model:net")
    EDITS["a template"](space)
    git("commit", "-qam", "now")
    shutil.rmtree(space.path("build/store/sources"))
    code, _, err = reproduce("build/net/model")
    assert code == 0, err


def test_a_variable_of_the_environment_must_be_what_it_was(space, reproduce, monkeypatch):
    space.environment["CHEAP_USER"] = "somebody"
    space.build("pp:plain")
    code, _, err = reproduce("build/plain/config.yaml")
    assert code == 1 and "error[FG663]" in err and "environment variable CHEAP_USER" in err
    monkeypatch.setenv("CHEAP_USER", "somebody")
    assert reproduce("build/plain/config.yaml")[0] == 0
    # One that was not set is not set again.
    assert reproduce("build/plain@size=4/config.yaml")[0] == 0


def test_what_was_altered_since_is_not_what_is_compared(space, reproduce):
    append("build/net/model/weight.txt", "2")(space)
    code, _, err = reproduce("build/net/model")
    assert code == 0 and "weight.txt was altered since it was made" in err
    assert space.path("build/net/model/weight.txt").read_text() == "12", "nobody touched it"


def test_what_is_made_by_chance_differs(space, reproduce, monkeypatch):
    write("hook.py", RANDOM)(space)
    monkeypatch.setenv("CHEAP_HOOK", str(space.path("hook.py")))
    code, out, _ = reproduce("build/net/model")
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "model:net came out different: 1 of 2 files"
    (changed,) = [line for line in lines if "weight.txt" in line]
    assert ", from line 1: '1' -> '0." in changed
    assert "it does not always come out the same" in lines[lines.index("why:") + 1]


def test_other_versions_are_named_as_the_cause(space, reproduce, monkeypatch):
    """The rebuild is a process of its own, so another path of libraries is enough."""
    write("hook.py", RANDOM)(space)
    for name in ("transformers-9.9", "torch-9.9"):
        space.path(f"libraries/{name}.dist-info").mkdir(parents=True)
    monkeypatch.setenv("CHEAP_HOOK", str(space.path("hook.py")))
    paths = [str(space.path("libraries")), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    code, out, _ = reproduce("--format", "json", "build/net/model")
    found = json.loads(out)
    assert code == 1 and found["equal"] is False
    (fact,) = found["reason"]["facts"]
    assert (fact["kind"], fact["subject"], fact["new"]) == ("version", "transformers", "9.9")
    assert found["circumstances"]["torch"][1] == "9.9"
    then, now = found["files"]["weight.txt"].values()
    assert then != now


def test_a_training_into_a_place_of_its_own_is_refused(space, reproduce, tmp_path):
    place = tmp_path / "models"
    own = 'joinpath(project_dir, "output_models", "cheap"'
    change("lib/base.yaml", f"{own})", f'"{place}"')(space)
    change(RUN, f"{own})", f'"{place}"')(space)
    change(RUN, f'{own}, "runs", "log")', f'"{place}/runs/log"')(space)
    change(RUN, "seed: 42", "seed: 43")(space)
    space.build("train:run")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert before
    code, _, err = reproduce(str(place / "checkpoint-5"), "--from-scratch")
    assert code == 1 and "error[FG664]" in err and str(place) in err
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_step_that_fails_says_so(space, reproduce, monkeypatch):
    write("hook.py", "raise ValueError('no luck')\n")(space)
    monkeypatch.setenv("CHEAP_HOOK", str(space.path("hook.py")))
    code, out, err = reproduce("build/net/model")
    assert code == 1 and out == "" and "error[FG665]" in err and "no luck" in err


def test_what_holds_times_is_not_compared(space, reproduce):
    code, _, err = reproduce(f"{OUTPUT}/runs/log")
    assert code == 1 and "error[FG666]" in err


def test_the_checkout_can_be_kept(space, reproduce, tmp_path):
    kept = tmp_path / "again"
    EDITS["a template"](space)
    code, _, err = reproduce("build/net/model", "--keep", str(kept))
    assert code == 0 and str(kept) in err
    assert "count: 2" in (kept / NET).read_text()
    assert (kept / "build/net/model/config.json").is_file()
    code, _, err = reproduce("build/net/model", "--keep", str(kept))
    assert code == 2 and "is there already" in err


@pytest.mark.xdist_group("workspace")
def test_a_real_training_comes_out_the_same_to_the_bit(built, reproduce, monkeypatch):
    """Every checkpoint, the optimizer's state, and the code beside the weights."""
    for name, value in built.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(built.root)
    code, out, err = reproduce(str(built.output), "--format", "json")
    found = json.loads(out)
    assert code == 0 and found["equal"], out + err
    for step in (9, 12):
        for name in ("model.safetensors", "optimizer_state.pt", "rng_state.pt"):
            assert f"checkpoint-{step}/{name}" in found["files"]
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= found["files"].keys()
    assert found["from_store"] and not any("train" in task for task in found["from_store"])


@pytest.mark.xdist_group("workspace")
def test_a_part_of_a_real_model_that_was_edited_is_named(built, monkeypatch):
    """It reads as code of the workspace, at its line."""
    part = built.root / "modelsrc" / "transformer" / "pre_ln_layer.py"
    before = part.read_text()
    part.write_text(before.replace("\n\n\n", "\n\n\n# changed\n", 1))
    try:
        lines = built.doit("why", "train:mini").output.splitlines()
    finally:
        part.write_text(before)
    number = part.read_text().split("\n\n\n")[0].count("\n") + 4
    assert lines[-1].strip() == f"modelsrc/transformer/pre_ln_layer.py:{number} '# changed' added"
