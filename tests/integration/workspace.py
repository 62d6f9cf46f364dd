"""A copy of the libraries with a project small enough to train in seconds, and a real doit in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

META = """\
-- extends "meta_defaults.yaml"
[configs]
name: "{name}"
description: "{name}, for tests"
config_prefix: "configs"
default_config: "{default}"
"""

TRAINING = """\
-- extends 'projects/tiny.yaml'
[config_metadata]
    == super()
    -- set ns.config_name = "Mini"
    -- set ns.config_description = "A llama that trains in seconds"
    -- set ns.model_name = "mini"
    -- set ns.learning_rate = 1.0e-3
    -- set ns.warmup_steps = 2
[model_project_pp_args]
.define: &model_project_pp_args
    hidden_size: 32
    num_hidden_layers: 2
    num_attention_heads: 2
    intermediate_size: 64
[datasets_preprocessor_args]
tokenizer_args: &tokenizer_args !dict:@tokenizer_args
    max_length: 64
[datacollator]
data_collator: &data_collator !singleton:forgather.ml.data_collator:DataCollatorForCausalLM@data_collator
    tokenizer: *tokenizer
    truncation: True
    max_length: 64
[trainer_args]
    == super()
    # Mini
    per_device_train_batch_size: 4
    per_device_eval_batch_size: 4
    max_steps: {{ max_steps | toyaml(12) }}
    max_eval_steps: 4
    eval_steps: 6
    logging_steps: 1
    save_strategy: "steps"
    save_steps: 3
    dataloader_num_workers: 0
    use_cpu: True
"""


@dataclass
class Result:
    """What one run of doit did."""

    code: int
    executed: list[str]
    current: list[str]
    output: str


class Workspace:
    """A build root on its own: templatelib, modelsrc, examples and the project ``mini``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        for name in ("templatelib", "modelsrc", "examples"):
            shutil.copytree(
                REPOSITORY / name,
                root / name,
                ignore=shutil.ignore_patterns("output_models", "__pycache__"),
            )
        text = (REPOSITORY / "pyproject.toml").read_text()
        (root / "pyproject.toml").write_text(text[text.index("[tool.doit]") :])
        (root / "dodo.py").write_text('"""No tasks but those of the configs."""\n')
        self.project("mini", "mini.yaml", TRAINING)

    def project(self, name: str, default: str, text: str) -> Path:
        folder = self.root / "examples" / name
        (folder / "templates" / "configs").mkdir(parents=True)
        (folder / "meta.yaml").write_text(META.format(name=name, default=default))
        (folder / "templates" / "configs" / default).write_text(text)
        return folder

    @property
    def config(self) -> Path:
        return self.root / "examples" / "mini" / "templates" / "configs" / "mini.yaml"

    @property
    def output(self) -> Path:
        return self.root / "examples" / "mini" / "output_models" / "mini"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": str(REPOSITORY),
            "FORGATHER_CACHE_DIR": str(self.root.with_name(f"{self.root.name}-cache")),
        }

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "doit", *arguments],
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def doit(self, *arguments: str) -> Result:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=600)
        executed = re.findall(r"^\.  (\S+)", output, re.M)
        current = re.findall(r"^-- (\S+)", output, re.M)
        return Result(process.returncode, executed, current, output)

    def edit(self, path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text, f"{old!r} is not in {path}"
        path.write_text(text.replace(old, new, 1))
