"""Makes a workspace of any size, for benchmarks of the build.

    python benchmarks/synthetic.py FOLDER --configs 5000

A project holds up to 100 configs. Each config is a small leaf template that extends the project's
``family.yaml``, which extends a base that all projects share and that includes one file and imports
macros from another. So a leaf has one dependent, a family 100, and the base all of them. With what
``doit pp graph`` makes of it (the text, its spans, the graph) each config has four files of its own.

Knows nothing of the build: only texts are written here. The same call writes the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS_OF_A_PROJECT = 100
OUTPUTS = ("config.yaml", "spans.json", "graph.json")

META_DEFAULTS = """\
-- set ns = namespace()
searchdir:
    - "templates"
    - {{ joinpath(workspace_root, "shared") | toyaml }}
-- block configs
-- endblock configs
"""

META = """\
-- extends "meta_defaults.yaml"

[configs]
name: "{name}"
description: "One of the projects of a synthetic workspace"
default_config: "c000.yaml"
"""

MACROS = """\
-- macro layer(number, width)
    - !call:dict
        number: {{ number }}
        width: {{ width }}
        activation: "silu"
-- endmacro
"""

COMMON = """\
# What every config has.
-- set ns.vocabulary = 32000
"""

BASE = """\
-- import 'macros.yaml' as macros
-- set ns = namespace(name="none", width=64, layers=2, learning_rate=1.0e-3)
-- include 'common.yaml'

[settings]

[meta_output]
meta: !dict:@meta
    config_name: "{{ ns.name }}"
    config_description: "Number {{ ns.name }} of a synthetic workspace"

[layers]
layers: &layers !list:@layers
-- for number in range(ns.layers)
{{ macros.layer(number, ns.width) -}}
-- endfor

[model]
model: &model !dict:@model
    vocabulary: {{ ns.vocabulary }}
    width: {{ ns.width }}
    layers: *layers

[optimizer]
optimizer: &optimizer !dict:@optimizer
    lr: {{ ns.learning_rate }}
    betas: [ 0.9, 0.95 ]

[main]
main: !dict:@main
    model: *model
    optimizer: *optimizer
"""

FAMILY = """\
-- extends 'base.yaml'

[settings]
    == super()
    -- set ns.width = {width}

[optimizer]
    == super()
    # Family {name}
    weight_decay: 0.1
"""

LEAF = """\
-- extends 'family.yaml'

[settings]
    == super()
    -- set ns.name = "{name}"
    -- set ns.layers = {layers}

[optimizer]
    == super()
    # {name}
    warmup: {warmup}
"""


@dataclass(frozen=True)
class Config:
    """One config of a workspace: its id, and the files it is made of, relative to the root."""

    project: str
    number: int

    @property
    def id(self) -> str:
        """Its name in tasks; the first of a project is the project's default config."""
        return self.project if self.number == 0 else f"{self.project}/c{self.number:03}"

    @property
    def leaf(self) -> str:
        return f"{self.project}/templates/configs/c{self.number:03}.yaml"

    @property
    def inputs(self) -> list[str]:
        """Every file that its rendering reads."""
        return [
            self.leaf,
            f"{self.project}/templates/family.yaml",
            "shared/base.yaml",
            "shared/common.yaml",
            "shared/macros.yaml",
            f"{self.project}/meta.yaml",
            "forgather_workspace/meta_defaults.yaml",
        ]

    @property
    def outputs(self) -> list[str]:
        """What ``pp`` and ``graph`` make of it."""
        return [f"build/{self.id}/{name}" for name in OUTPUTS]


def configs(count: int) -> list[Config]:
    """The configs of a workspace of ``count``, in the order of their ids."""
    return [
        Config(f"p{number // CONFIGS_OF_A_PROJECT:03}", number % CONFIGS_OF_A_PROJECT)
        for number in range(count)
    ]


def texts(count: int) -> Iterator[tuple[str, str]]:
    """Every file of a workspace of ``count`` configs: its name relative to the root, its text."""
    plugins = (REPOSITORY / "pyproject.toml").read_text()
    yield "pyproject.toml", plugins[plugins.index("[tool.doit]") :]
    yield "dodo.py", '"""No tasks but those of the configs."""\n'
    yield ".gitignore", "/build/\n__pycache__/\n"
    yield "forgather_workspace/meta_defaults.yaml", META_DEFAULTS
    yield "shared/macros.yaml", MACROS
    yield "shared/common.yaml", COMMON
    yield "shared/base.yaml", BASE
    for config in configs(count):
        if config.number == 0:
            width = 64 + int(config.project[1:])
            family = FAMILY.format(name=config.project, width=width)
            yield f"{config.project}/meta.yaml", META.format(name=config.project)
            yield f"{config.project}/templates/family.yaml", family
        yield config.leaf, leaf_text(config)


def leaf_text(config: Config, *, warmup: int = 0) -> str:
    """A leaf; another ``warmup`` makes it another config."""
    return LEAF.format(name=config.id, layers=1 + config.number % 4, warmup=warmup)


def write_workspace(root: Path, count: int) -> list[Config]:
    """Write a workspace of ``count`` configs into the empty or absent folder ``root``."""
    for name, text in texts(count):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return configs(count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--configs", type=int, default=1000)
    options = parser.parse_args()
    if options.folder.exists() and any(options.folder.iterdir()):
        parser.error(f"{options.folder} is not empty")
    made = write_workspace(options.folder, options.configs)
    print(f"{len(made)} configs in {options.folder}; there: doit pp graph")


if __name__ == "__main__":
    main()
