"""A tiny real workspace with two projects, and the command line run in this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from forgather.cli.main import main

FILES = {
    "forgather_workspace/base_directories.yaml": "-- set ns.forgather_dir = workspace_root\n",
    "forgather_workspace/meta_defaults.yaml": """\
-- set ns = namespace()
-- include "base_directories.yaml"
[searchdir]
searchdir:
    [searchdir_project]
    - "{{ joinpath(project_dir, 'templates') }}"
    [searchdir_common]
    - "{{ joinpath(workspace_root, 'forgather_workspace') }}"
[configs]
""",
    "one/README.md": "# One\n\nThe first project.\n",
    "one/meta.yaml": """\
-- extends "meta_defaults.yaml"
[configs]
name: "One"
description: "the first project"
config_prefix: "configs"
default_config: "plain.yaml"
""",
    "one/templates/base.yaml": """\
-- set ns = namespace()
[config_metadata]
-- set ns.config_name = "Base"
-- set ns.config_description = "A base"
[optimizer]
optimizer: &optimizer !partial:torch.optim:AdamW
    lr: {{ lr | default(1.0e-3) }}
[extras]
[dynamic_args]
dynamic_args:
    - names: "--lr"
      type: float
      help: "learning rate, 100% yours"
    - names: ["-F", "--flag"]
      action: store_true
    - names: "--mode"
      choices: [fast, slow]
[meta_output]
meta:
    config_name: "{{ ns.config_name }}"
    config_description: "{{ ns.config_description }}"
    config_class: "type.training_script.causal_lm"
    output_dir: "{{ joinpath(project_dir, 'output_models', 'plain') }}"
    models_dir: "{{ joinpath(project_dir, 'output_models') }}"
[main_output]
main: !call:dict
    optimizer: *optimizer
    flag: {{ flag | default(True) }}
    mode: {{ mode | default('fast') }}
""",
    "one/templates/configs/plain.yaml": """\
-- extends "base.yaml"
[config_metadata]
    == super()
    -- set ns.config_name = "Plain"
    -- set ns.config_description = "Nothing special"
""",
    "one/templates/configs/other.yaml": """\
-- extends "base.yaml"
[config_metadata]
    == super()
    -- set ns.config_name = "Other"
[optimizer]
optimizer: &optimizer !partial:torch.optim:SGD
    lr: 0.5
[extras]
extra: [1, 2]
""",
    "two/meta.yaml": """\
-- extends "meta_defaults.yaml"
[configs]
name: "Two"
description: "data only"
config_prefix: "configs"
default_config: "data.yaml"
""",
    "two/templates/configs/data.yaml": """\
meta:
    config_name: "Data"
    config_description: "plain data"
    config_class: "type.dataset"
main: !list [1, 2, 3]
""",
}


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """Two projects, ``one`` and ``two``; the current directory is ``one``."""
    root = tmp_path / "space"
    for name, text in FILES.items():
        write(root, name, text)
    monkeypatch.chdir(root / "one")
    monkeypatch.setenv("NO_COLOR", "1")
    return root


@pytest.fixture
def forgather(capsys):
    """Run one command line; the outcome has exit code, stdout and stderr."""

    def run(*argv: str) -> Outcome:
        status = main(list(argv))
        shown = capsys.readouterr()
        return Outcome(status, shown.out, shown.err)

    return run
