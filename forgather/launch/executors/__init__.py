"""Where actions run: in a process here, or as a job of a cluster's scheduler.

The table names modules; one is imported only when it is chosen, so that a build that runs everything
here never hears of a cluster. An engine knows bundles and jobs, and nothing of the build graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from forgather.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from forgather.launch.bundle import Bundle
    from forgather.launch.executors.resources import Resources

LOCAL = "local"
ENGINES = {"slurm": "forgather.launch.executors.slurm:Slurm"}


@dataclass(frozen=True)
class State:
    """What the scheduler says of a job. is_alive: it waits, runs, or will be started again."""

    is_alive: bool
    text: str


class Engine(Protocol):
    """A scheduler of jobs. Each job is a bundle; its name is the bundle's key."""

    name: str
    poll_seconds: float

    def submit(
        self, bundle: Bundle, resources: Resources, log: Path, after: str | None = None
    ) -> str:
        """Start the bundle as a job (``after`` another has done well); the job's id."""
        ...

    def find(self, key: str, folder: Path, ignore: str | None = None) -> str | None:
        """The id of the living job of this key that works in ``folder``, but not job ``ignore``."""
        ...

    def state(self, job: str) -> State: ...

    def how_to_cancel(self, job: str) -> str: ...


def check_executor(name: str) -> str:
    """Raises UsageError where there is no such executor."""
    if name != LOCAL and name not in ENGINES:
        raise UsageError(
            f"there is no executor {name!r}",
            hint=did_you_mean(name, [LOCAL, *ENGINES]),
            code="FG653",
        )
    return name


def engine(name: str) -> Engine:
    module, _, symbol = ENGINES[check_executor(name)].partition(":")
    return getattr(import_module(module), symbol)()
