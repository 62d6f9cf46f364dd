"""A bundle as SkyPilot and Kubernetes files: golden files, read back by a YAML parser."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from forgather.errors import BuildError
from forgather.launch.bundle import Bundle
from forgather.launch.executors.export import export
from forgather.launch.executors.resources import Resources

GOLDEN = Path(__file__).parent / "golden"
KEY = "0123456789abcdef" * 4
ROOT = Path("/shared/work")
BUNDLE = Bundle("train:mini", KEY, "t", f"/shared/work/build/jobs/{KEY}", ["-m", "x"])
ONE = Resources(gpus="H100:1", memory="32Gi", python="/venv/bin/python")
GANG = Resources(
    nodes=2,
    gpus="H100:8",
    cpus=32,
    python="/venv/bin/python",
    image="registry.example/forgather:1",
    setup=("module load cuda", "export A='b: c'"),
)


@pytest.mark.parametrize("output", ["skypilot", "kubernetes"])
@pytest.mark.parametrize(("name", "resources"), [("one", ONE), ("gang", GANG)])
def test_the_text_is_the_golden_one(output, name, resources):
    text = export(BUNDLE, resources, ROOT, output)
    golden = GOLDEN / f"{output}-{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


@pytest.mark.parametrize("output", ["skypilot", "kubernetes"])
def test_it_is_yaml_and_says_what_was_asked_for(output):
    documents = list(yaml.safe_load_all(export(BUNDLE, GANG, ROOT, output)))
    if output == "skypilot":
        (task,) = documents
        assert task["num_nodes"] == 2
        assert task["resources"]["accelerators"] == "H100:8"
        assert task["setup"].splitlines() == list(GANG.setup)
        assert task["run"].splitlines()[-1].endswith(f"{KEY}/bundle.json")
        return
    service, job = documents
    assert service["spec"]["clusterIP"] == "None"
    pod = job["spec"]["template"]["spec"]
    assert job["spec"]["completions"] == 2
    assert pod["containers"][0]["resources"]["limits"] == {"cpu": "32", "nvidia.com/gpu": "8"}
    assert pod["containers"][0]["command"][1:3] == ["-m", "forgather.launch.bundle"]


def test_skypilot_wants_the_name_of_a_gpu():
    with pytest.raises(BuildError, match="which GPUs") as caught:
        export(BUNDLE, Resources(gpus=2), ROOT, "skypilot")
    assert "H100:2" in caught.value.hint
