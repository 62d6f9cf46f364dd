"""What the loader did before doit started: the targets it left out, and those it took from a cache.

The loader attaches one instance to the ``meta`` of some task (a group, say) under :data:`META`;
reporters look for it there, because doit tells them of tasks and of nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

META = "summary"


@dataclass
class Summary:
    """Tasks that doit never gets to run; ``since`` is when the looking began.

    restored: their names, and why they were not current.
    """

    current: list[str] = field(default_factory=list)
    restored: dict[str, tuple[str, ...]] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, tasks: Iterable[Any]) -> Summary:
        """The one that a task of ``tasks`` carries; an empty one where none does."""
        for task in tasks:
            found = (task.meta or {}).get(META)
            if found is not None:
                return found
        return cls()
