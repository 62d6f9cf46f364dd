"""The text and the graph of a config depend on its templates and arguments, and on nothing else.

Not on which configs were rendered before, and (in the form that keys are made from) not on the order of
sets, the time zone, the language or the directory of the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from forgather.graph.canonical import digest
from forgather.meta_config import MetaConfig
from forgather.view.configs import config_names, environment_of, load
from forgather.workspace.find import find_projects

ROOT = Path(__file__).resolve().parents[2]
Key = tuple[str, str]


def every_config() -> list[Key]:
    """(project, config) of every example."""
    projects = [os.path.abspath(project) for project in find_projects(ROOT / "examples")]
    return [(project, name) for project in projects for name in config_names(MetaConfig(project))]


def rendered(keys: Iterable[Key]) -> dict[str, tuple[str, str]]:
    """Text and digest of each; configs of one project share an environment."""
    environments = {}
    found = {}
    for project, name in keys:
        if project not in environments:
            meta = MetaConfig(project)
            environments[project] = meta, environment_of(meta, frozen=True)
        config = load(*environments[project], name)
        found[f"{project}:{name}"] = str(config.pp_config), digest(config.config)
    return found


def test_the_order_of_renders_does_not_matter() -> None:
    keys = every_config()
    assert len(keys) > 20
    forwards = rendered(keys)
    assert rendered(reversed(keys)) == forwards
    mixed = rendered(sorted(keys, key=lambda key: (key[1], key[0])))
    assert mixed == forwards


def in_a_process(folder: Path, **environment: str) -> dict[str, list[str]]:
    """What :func:`rendered` gives in a process of its own."""
    script = (
        "import json, runpy, sys; here = runpy.run_path(sys.argv[1]);"
        "print(json.dumps(here['rendered'](here['every_config']())))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, __file__],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(result.stdout)


def test_the_process_does_not_matter(tmp_path: Path) -> None:
    one = in_a_process(ROOT, PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C.UTF-8")
    other = in_a_process(
        tmp_path,
        PYTHONHASHSEED="2",
        TZ="Asia/Kathmandu",
        LC_ALL="tr_TR.UTF-8",
        LANG="tr_TR.UTF-8",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert one == other
