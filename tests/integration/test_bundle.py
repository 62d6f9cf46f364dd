"""A training that is written down as a bundle, run by hand, and collected by the next build."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.workspace import Workspace

pytestmark = pytest.mark.xdist_group("workspace")


class Elsewhere(Workspace):
    """The built workspace at another path, with its training removed."""

    def __init__(self, built: Workspace, root: Path) -> None:
        shutil.copytree(built.root, root, symlinks=True)
        self.root = root
        key = json.loads((self.output / "training.json").read_text())["key"]
        (root / "build" / "store" / "ac" / key).unlink(missing_ok=True)
        shutil.rmtree(self.output)

    def environment(self) -> dict[str, str]:
        return super().environment() | {"FORGATHER_CACHE_DIR": "off"}

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.config.parents[2],
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def weights(workspace):
    return hashlib.sha256((workspace.output / "model.safetensors").read_bytes()).hexdigest()


def test_what_was_exported_and_run_is_collected(built, tmp_path):
    workspace = Elsewhere(built, tmp_path / "workspace")
    output = workspace.python(
        "-m", "forgather.cli", "-t", "mini.yaml", "train", "--export=skypilot"
    )
    task = Path(output.splitlines()[-1])
    assert task.name == "skypilot.yaml" and "forgather.launch.bundle" in task.read_text()
    assert not list(workspace.output.glob("checkpoint-*")), "nothing was trained"
    workspace.python("-m", "forgather.launch.bundle", str(task.parent / "bundle.json"))
    (log,) = workspace.output.glob("runs/*/trainer_logs.json")
    before = log.read_bytes()
    result = workspace.doit("train:mini")
    assert result.code == 0, result.output
    assert "train:mini" in result.executed
    assert log.read_bytes() == before, "it was not trained again"
    assert weights(workspace) == weights(built)
    assert workspace.doit("train:mini").executed == []
