"""Try to make the build system lie: random edits, kills and races, against builds from nothing.

    python benchmarks/soak_build.py oracle 10000       # random edits; what counts: see below
    python benchmarks/soak_build.py kills 1000         # kill -9 at random instants
    python benchmarks/soak_build.py concurrent 50      # 8 builds at once, in one checkout and in two

Options: ``--seed N`` (another sequence of edits), ``--real N`` (kills: one in N kills a real ``doit`` with
real workers, the others are forks of a warm process; default 10), ``--scratch DIRECTORY`` (where the
workspaces are; default /dev/shm where there is one, because every build from nothing writes hundreds
of files).

Under-build: the workspace is said to be up to date, and an output differs in a byte from what a build
from nothing makes of the same sources at another path. Over-build: an action ran although its key and
all that it was traced to read were what they had been, and its outputs stood there undamaged and came
out the same. Exit status 1 on any under-build, on over-builds above 1 % of the actions, on a wrong "up to
date", a lost step or a broken store after a kill, and on an action that ran twice.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.integration import forked
from tests.integration.kills import KillSoak
from tests.integration.oracle import Soak
from tests.integration.race import race

SHOWN = 20  # failures that are printed in full


def main() -> int:
    options = _parser().parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    forked.warm()
    scratch = Path(tempfile.mkdtemp(prefix="soak-", dir=options.scratch))
    began = time.monotonic()
    try:
        is_good = MODES[options.mode](scratch, options)
    finally:
        shutil.rmtree(scratch)
    spent = time.monotonic() - began
    print(f"{options.count / spent:.1f} a second, {spent:.0f} s, seed {options.seed}")
    return 0 if is_good else 1


def oracle(scratch: Path, options: argparse.Namespace) -> bool:
    soak = Soak(scratch, options.seed)
    problems = soak.check()
    show(problems)
    _repeat(options.count, soak.step, soak.counts.lines)
    print("\n".join(soak.counts.lines()))
    return not problems and soak.counts.is_good


def kills(scratch: Path, options: argparse.Namespace) -> bool:
    soak = KillSoak(scratch, options.seed, options.real)
    _repeat(options.count, soak.round, soak.counts.lines)
    print("\n".join(soak.counts.lines()))
    return soak.counts.is_good


def concurrent(scratch: Path, options: argparse.Namespace) -> bool:
    twice: list[str] = []
    for number in range(options.count):
        for checkouts in (1, 2):
            problems = race(scratch / f"{number}-{checkouts}", builds=8, checkouts=checkouts)
            show(f"race {number}, {checkouts} checkouts: {one}" for one in problems)
            twice += problems
            shutil.rmtree(scratch / f"{number}-{checkouts}")
    print(f"races                {2 * options.count}, of 8 builds each")
    print(f"steps not made once  {len(twice)}")
    return not twice


def _repeat(count: int, step: Callable[[], list[str]], lines: Callable[[], list[str]]) -> None:
    shown = 0
    for number in range(1, count + 1):
        problems = step()
        if problems and shown < SHOWN:
            show(problems)
            shown += 1
        if number % 250 == 0:
            print(f"-- {number}", *lines()[1:], sep="\n", flush=True)


def show(problems) -> None:
    for problem in problems:
        print(problem[:3000], flush=True)


MODES = {"oracle": oracle, "kills": kills, "concurrent": concurrent}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=int, default=10)
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    parser.add_argument("--scratch", default=memory)
    return parser


if __name__ == "__main__":
    sys.exit(main())
