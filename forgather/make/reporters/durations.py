"""How long tasks took when they were last built, to say how long is left. Nothing depends on it.

Two builds that end at once may each forget what the other learned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from forgather.errors import BuildError
from forgather.make.reporters.result import BUILT, Result

SHORTEST = 0.05  # what takes less is not worth remembering


class Durations:
    """The times below one build directory; read when they are first asked for."""

    def __init__(self, build: Path) -> None:
        self.path = build / "log" / "durations.json"
        self._seen: dict[str, float] = {}

    @cached_property
    def known(self) -> dict[str, float]:
        try:
            return {str(name): float(s) for name, s in json.loads(self.path.read_text()).items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def saw(self, result: Result) -> None:
        if result.outcome == BUILT:
            self._seen[result.name] = result.seconds

    def left(self, waiting: Iterable[str], running: Iterable[tuple[str, float]]) -> float | None:
        """Seconds of work left; None where nothing is known of any task.

        running: names of running tasks and for how long they run.
        """
        times = self.known | self._seen
        by_kind: dict[str, list[float]] = {}
        for name, seconds in times.items():
            by_kind.setdefault(name.partition(":")[0], []).append(seconds)
        means = {kind: _mean(values) for kind, values in by_kind.items()}
        overall = _mean(self._seen.values()) if self._seen else None

        def expected(name: str) -> float | None:
            return times.get(name, means.get(name.partition(":")[0], overall))

        found = [expected(name) for name in waiting]
        found += [max(0.0, e - t) for name, t in running if (e := expected(name)) is not None]
        known = [seconds for seconds in found if seconds is not None]
        if not known:
            return None
        return sum(known) + _mean(known) * (len(found) - len(known))

    def keep(self, results: Iterable[Result]) -> None:
        """Remember what these results took."""
        new = {
            result.name: round(result.seconds, 2)
            for result in results
            if result.outcome == BUILT and result.seconds >= SHORTEST
        }
        if not new or not self.path.parents[1].is_dir():
            return
        from forgather.make.storage.disk_cache import write_atomically

        self.__dict__.pop("known", None)  # another build may have ended meanwhile
        try:
            write_atomically(self.path, json.dumps(self.known | new, indent=0, sort_keys=True))
        except (BuildError, OSError):
            return  # a full disk has failed the build by now, or has not harmed it


def _mean(values: Iterable[float]) -> float:
    """Of one value or more; the module statistics costs more to import than a build that is done."""
    found = list(values)
    return sum(found) / len(found)
