"""The same build graph for other tools: stock doit, ninja, GNU make and DVC.

Each works on a copy of a workspace that is built: the same inputs and outputs, with the same bytes.
The copy is dated so that everything is up to date, and the steps do nothing: what is measured is how
long a tool takes to see that there is nothing to do. A rendering step depends on every file that the
rendering read, a graph step on the rendered text alone, which is less than ours looks at.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from synthetic import CONFIGS_OF_A_PROJECT, OUTPUTS, Config

STOCK_DODO = """\
from doit.reporter import ConsoleReporter

DOIT_CONFIG = {{"backend": "sqlite3", "default_tasks": ["pp", "graph"]}}
COMMON = {common}


def configs():
    for number in range({count}):
        project, index = f"p{{number // {size}:03}}", number % {size}
        name = project if index == 0 else f"{{project}}/c{{index:03}}"
        yield project, index, name


def done():
    return True


def task_pp():
    for project, index, name in configs():
        leaf = f"{{project}}/templates/configs/c{{index:03}}.yaml"
        own = [leaf, f"{{project}}/templates/family.yaml", f"{{project}}/meta.yaml"]
        yield {{
            "name": name,
            "actions": [done],
            "file_dep": own + COMMON,
            "targets": [f"build/{{name}}/config.yaml", f"build/{{name}}/spans.json"],
        }}


def task_graph():
    for _project, _index, name in configs():
        yield {{
            "name": name,
            "actions": [done],
            "file_dep": [f"build/{{name}}/config.yaml"],
            "targets": [f"build/{{name}}/graph.json"],
        }}
"""


class Step(NamedTuple):
    name: str
    inputs: list[str]
    outputs: list[str]


def steps(configs: list[Config]) -> Iterator[Step]:
    """The tasks of a workspace, each config's two after one another."""
    for config in configs:
        text, spans, graph = config.outputs
        yield Step(f"pp:{config.id}", config.inputs, [text, spans])
        yield Step(f"graph:{config.id}", [text], [graph])


def copy_built(root: Path, copy: Path, configs: list[Config]) -> Path:
    """Copy inputs and outputs of a built workspace, dated in the order of building."""
    now = time.time()
    ages = {name: 300.0 for config in configs for name in config.inputs}
    ages |= {f"build/{one.id}/{name}": 200 - i for one in configs for i, name in enumerate(OUTPUTS)}
    for name, age in ages.items():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target)
        os.utime(target, (now - age, now - age))
    return copy


def prepare_stock_doit(copy: Path, configs: list[Config]) -> list[str]:
    """doit as it comes: its SQLite backend and MD5 sums. Returns its command."""
    common = [name for name in configs[0].inputs if not name.startswith(configs[0].project)]
    (copy / "dodo.py").write_text(
        STOCK_DODO.format(common=common, count=len(configs), size=CONFIGS_OF_A_PROJECT)
    )
    return [sys.executable, "-m", "doit"]


def prepare_ninja(copy: Path, configs: list[Config], ninja: str) -> list[str]:
    lines = ["rule step", "  command = :"]
    for step in steps(configs):
        lines.append(f"build {' '.join(step.outputs)}: step {' '.join(step.inputs)}")
    for config in configs:
        lines.append(f"build pp-{config.id}: phony {config.outputs[0]}")
    (copy / "build.ninja").write_text("\n".join(lines) + "\n")
    subprocess.run([ninja, "--quiet"], cwd=copy, check=True)
    return [ninja]


def prepare_make(copy: Path, configs: list[Config], make: str) -> list[str]:
    every = list(steps(configs))
    outputs = [name for step in every for name in step.outputs]
    lines = [f"all: {' '.join(outputs)}"]
    for step in every:
        lines += [f"{' '.join(step.outputs)} &: {' '.join(step.inputs)}", "\t@:"]
    for config in configs:
        lines += [f".PHONY: pp-{config.id}", f"pp-{config.id}: {config.outputs[0]}"]
    (copy / "Makefile").write_text("\n".join(lines) + "\n")
    return [make]


def prepare_dvc(copy: Path, configs: list[Config], dvc: str) -> list[str]:
    """Stages whose outputs exist are committed as they are: running 1,000 takes most of an hour."""

    def run(*arguments: str) -> None:
        subprocess.run([dvc, *arguments], cwd=copy, check=True, stdout=subprocess.DEVNULL)

    run("init", "--no-scm", "--quiet")
    run("config", "core.analytics", "false")
    stages = {
        step.name.replace(":", "-").replace("/", "-"): {
            "cmd": "true",
            "deps": step.inputs,
            "outs": step.outputs,
        }
        for step in steps(configs)
    }
    (copy / "dvc.yaml").write_text(json.dumps({"stages": stages}, indent=1))
    run("commit", "--force", "--quiet")
    return [dvc, "repro", "--quiet"]
