"""What a job asks of a cluster. Never part of an action's key: resources do not decide results.

Three places are read, the later ones win: ``[tool.forgather.slurm]`` in the build root's
``pyproject.toml``, its sub-table of the kind (``[tool.forgather.slurm.train]``), and the mapping
``resources`` in the config's ``meta`` target.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from forgather.errors import BuildError, did_you_mean


@dataclass(frozen=True)
class Resources:
    """nodes: how many. tasks: processes on each node (default: the config's ``nproc_per_node``).

    cpus, gpus, memory: of each node. time, partition, account, qos, constraint: as sbatch takes them.
    warning: seconds before the time limit at which a training saves and asks for another turn.
    restarts: how often a job whose process was killed is started again without asking.
    python: interpreter on the nodes. setup: shell lines before it. extra: further options of sbatch.
    image: the container that an exported job runs in.
    """

    nodes: int = 1
    tasks: int | None = None
    cpus: int | None = None
    gpus: int | str | None = None
    memory: str | None = None
    time: str | int | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    warning: int = 120
    restarts: int = 5
    python: str = sys.executable
    image: str | None = None
    setup: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def updated(self, values: Mapping[str, Any], place: str) -> Resources:
        """These, with ``values`` from ``place`` in their stead. Raises BuildError (FG654)."""
        known = {one.name: one.type for one in fields(self)}
        changes: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise _wrong(f"{place}: there is no resource {name!r}", did_you_mean(name, known))
            if "tuple" in known[name]:
                changes[name] = _lines(name, value, place)
            elif not _fits(value, known[name]):
                raise _wrong(f"{place}: {name} is {value!r}", f"expected: {known[name]}")
            else:
                changes[name] = value
        return replace(self, **changes)


def _fits(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return "int" in kind and value >= 0
    if value is None:
        return "None" in kind
    return isinstance(value, str) and "str" in kind and "\n" not in value


def _lines(name: str, value: Any, place: str) -> tuple[str, ...]:
    lines = [value] if isinstance(value, str) else value
    is_lines = isinstance(lines, list | tuple) and all(isinstance(line, str) for line in lines)
    if not is_lines or any("\n" in line for line in lines):
        raise _wrong(f"{place}: {name} is {value!r}", "expected: a list of lines")
    return tuple(lines)


def _wrong(message: str, hint: str) -> BuildError:
    return BuildError(message, hint=hint, code="FG654")


def load_resources(root: Path, kind: str, meta: Mapping[str, Any]) -> Resources:
    """What a job of this kind asks for. Raises BuildError (FG654) for what makes no sense."""
    try:
        data = tomllib.loads((root / "pyproject.toml").read_text())
    except FileNotFoundError:
        data = {}
    except tomllib.TOMLDecodeError as error:
        raise _wrong(f"{root / 'pyproject.toml'}: {error}", "mend the file") from error
    table = data.get("tool", {}).get("forgather", {}).get("slurm", {})
    resources = Resources()
    general = {name: value for name, value in table.items() if not isinstance(value, dict)}
    resources = resources.updated(general, "pyproject.toml, [tool.forgather.slurm]")
    if isinstance(special := table.get(kind), dict):
        resources = resources.updated(special, f"pyproject.toml, [tool.forgather.slurm.{kind}]")
    wanted = meta.get("resources") if kind == "train" else None
    if wanted:
        if not isinstance(wanted, Mapping):
            raise _wrong(f"meta.resources is {wanted!r}", "expected: a mapping")
        resources = resources.updated(wanted, "the target 'meta', resources")
    return resources
