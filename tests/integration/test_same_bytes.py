"""Every shipped config gives the same bytes whatever the hash seed, the place, the locale and the zone.

Two copies of everything that Forgather consists of lie at two paths. In each, ``doit pp graph`` runs
in a fresh build folder with an empty cache for both hash seeds and both locales and time zones: eight
builds. Model code is generated in four of them, chosen so that every two settings meet in one.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL_CODE = Path(__file__).with_name("model_code.py")
SEEDS = ("0", "4242")
PLACES = ("here", "another place/with a longer name")
# In the second, files are ASCII by default and nothing coerces that to UTF-8.
LOCALES = (
    {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
    {
        "LANG": "C",
        "LC_ALL": "C",
        "TZ": "XYZ-13:45",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
)
PUBLISHED = ("config.yaml", "spans.json", "graph.json")

pytestmark = pytest.mark.xdist_group("same_bytes")


@dataclass(frozen=True)
class Outcome:
    """What one build left: digests by file name, the action keys, and digests of model code."""

    files: Mapping[str, str]
    keys: frozenset[str]
    code: Mapping[str, str]


def copy_of_everything(folder: Path) -> Path:
    ignored = shutil.ignore_patterns("output_models", "__pycache__")
    for name in ("forgather", "templatelib", "modelsrc", "examples"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    text = (REPOSITORY / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(text[text.index("[tool.doit]") :])
    (folder / "dodo.py").write_text('"""No tasks but those of the configs."""\n')
    return folder


def run(folder: Path, scratch: Path, environment: Mapping[str, str], *command: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FORGATHER")}
    result = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={
            **kept,
            "PYTHONPATH": str(folder),
            "FORGATHER_CACHE_DIR": str(scratch / "cache"),
            "XDG_CACHE_HOME": str(scratch / "user-cache"),
            **environment,
        },
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return result.stdout


def published(build: Path) -> Iterator[tuple[str, str]]:
    for name in PUBLISHED:
        for path in build.rglob(name):
            label = path.relative_to(build).as_posix()
            if not label.startswith(("store/", "log/")):
                yield label, hashlib.sha256(path.read_bytes()).hexdigest()


def build_all(
    folder: Path, scratch: Path, environment: Mapping[str, str], with_code: bool
) -> Outcome:
    shutil.rmtree(folder / "build", ignore_errors=True)
    run(folder, scratch, environment, "-m", "doit", "pp", "graph")
    actions = (folder / "build" / "store" / "ac").rglob("*")
    return Outcome(
        dict(published(folder / "build")),
        frozenset(path.name for path in actions if path.is_file()),
        (
            json.loads(run(folder, scratch, environment, str(MODEL_CODE), str(folder / "examples")))
            if with_code
            else {}
        ),
    )


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory) -> list[Outcome]:
    """The builds of all combinations; the two copies are built side by side."""
    top = tmp_path_factory.mktemp("same_bytes")

    def builds_in(place: int) -> list[Outcome]:
        folder = copy_of_everything(top / PLACES[place])
        found = []
        for seed, locale in itertools.product(range(2), range(2)):
            environment = {"PYTHONHASHSEED": SEEDS[seed], **LOCALES[locale]}
            scratch = top / f"scratch-{place}-{seed}-{locale}"
            with_code = (place + seed + locale) % 2 == 0
            found.append(build_all(folder, scratch, environment, with_code))
        return found

    with ThreadPoolExecutor(2) as pool:
        return [outcome for found in pool.map(builds_in, range(2)) for outcome in found]


def differing(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    return sorted(name for name in first | second if first.get(name) != second.get(name))


def test_rendered_texts_spans_and_graphs_are_the_same(outcomes):
    first = outcomes[0].files
    shipped = list((REPOSITORY / "examples").glob("**/templates/configs/**/*.yaml"))
    assert sum(name.endswith("/config.yaml") for name in first) >= len(shipped) > 30
    assert sum(name.endswith("/graph.json") for name in first) >= len(shipped)
    for other in outcomes[1:]:
        assert differing(first, other.files) == []


def test_action_keys_are_the_same(outcomes):
    """So what one machine has made is found by every other."""
    first = outcomes[0].keys
    assert len(first) > 60
    for other in outcomes[1:]:
        assert first ^ other.keys == set()


def test_generated_model_code_is_the_same(outcomes):
    first, *others = [outcome.code for outcome in outcomes if outcome.code]
    assert sum("/modeling_" in name for name in first) > 20
    assert len(others) == 3
    for other in others:
        assert differing(first, other) == []
