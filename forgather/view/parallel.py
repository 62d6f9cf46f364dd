"""Do the same for many projects: in this process, or in several where there is enough to do.

Rendering is pure CPU work, so processes and not threads; results come in the order asked for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from forgather.view.configs import ProjectSummary, summarise_project

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_IT = 8  # below this many items, starting processes costs more than it saves


def summarise_projects(project_dirs: Sequence[str]) -> Iterator[ProjectSummary]:
    return spread(summarise_project, project_dirs)


def spread(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int | None = None
) -> Iterator[Result]:
    """``map`` in order; ``jobs`` processes (default: one for each usable core)."""
    if jobs is None:
        jobs = usable_cores() if len(items) >= WORTH_IT else 1
    if jobs <= 1:
        yield from map(function, items)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context = get_context("fork" if os.name == "posix" else "spawn")
    with ProcessPoolExecutor(min(jobs, len(items)), mp_context=context) as pool:
        yield from pool.map(function, items)


def usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
