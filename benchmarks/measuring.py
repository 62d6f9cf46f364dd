"""CPU and wall time of child processes that take turns, for the benchmarks of whole commands.

Other load on the machine hits all contestants of a round alike, and the minimum over the rounds is
what counts: whatever else runs can only add to a time.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Seconds of a process and of those that it waited for."""

    user: float
    system: float
    wall: float

    def at_least(self, other: Cost) -> Cost:
        """The smaller of each."""
        return Cost(
            min(self.user, other.user),
            min(self.system, other.system),
            min(self.wall, other.wall),
        )


@dataclass(frozen=True)
class Contestant:
    """A command, where it runs, and what is done before its clock starts."""

    name: str
    command: list[str]
    folder: Path | Callable[[int], Path]  # of a round
    before: Callable[[int], None] = lambda turn: None
    environment: Mapping[str, str] = field(default_factory=dict)
    rounds: int | None = None  # less than the others, where a round takes minutes

    def run(self, turn: int) -> Cost:
        self.before(turn)
        folder = self.folder if isinstance(self.folder, Path) else self.folder(turn)
        return measure(self.command, folder, self.environment)


def measure(command: list[str], folder: Path, environment: Mapping[str, str]) -> Cost:
    """Run ``command`` and say what it cost. Ends the benchmark, with its output, if it fails."""
    with tempfile.TemporaryFile() as output:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        code = subprocess.call(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        wall = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code != 0:
            output.seek(0)
            text = output.read().decode(errors="replace")[-4000:]
            sys.exit(f"{text}\n{' '.join(command)!r} failed with {code} in {folder}")
    return Cost(after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime, wall)


def contest(contestants: list[Contestant], rounds: int) -> dict[str, Cost]:
    """The least cost of each over the rounds; the first round, number 0, only warms up."""
    least: dict[str, Cost] = {}
    for turn in range(rounds + 1):
        for one in contestants:
            if turn > (rounds if one.rounds is None else one.rounds):
                continue
            cost = one.run(turn)
            if turn:
                least[one.name] = cost.at_least(least.get(one.name, cost))
    return least


def table(title: str, costs: Mapping[str, Cost], base: str) -> None:
    """Print the costs, and their ratios to those of ``base``."""
    print(f"\n{title}")
    print(f"  {'':<38}{'user ms':>10}{'system ms':>11}{'wall ms':>10}{'x user':>9}{'x wall':>9}")
    for name, cost in costs.items():
        times = f"{cost.user * 1e3:>10,.0f}{cost.system * 1e3:>11,.0f}{cost.wall * 1e3:>10,.0f}"
        ratios = f"{cost.user / costs[base].user:>9.2f}{cost.wall / costs[base].wall:>9.2f}"
        print(f"  {name:<38}{times}{ratios}", flush=True)
