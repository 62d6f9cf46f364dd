"""Which checkpoints stay: the last ones by step, and the best ones by a metric.

Order is by step number, never by time. The newest is never deleted, and nothing is deleted before
the newest is committed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class BestCheckpoint:
    """name: of the directory (checkpoint-<step>), so that the list survives a move."""

    name: str
    metric: float
    step: int


class BestCheckpoints:
    """The best ``keep`` checkpoints by one metric.

    greater_is_better: None takes it from the metric's name (a loss: lower is better).
    """

    def __init__(
        self, keep: int = 1, metric: str = "loss", greater_is_better: bool | None = None
    ) -> None:
        self.keep = keep
        self.metric = metric.removeprefix("eval_")
        if greater_is_better is None:
            greater_is_better = not self.metric.endswith("loss")
        self.greater_is_better = greater_is_better
        self.entries: list[BestCheckpoint] = []

    @property
    def best(self) -> BestCheckpoint | None:
        return self.entries[0] if self.entries else None

    def value(self, metrics: dict[str, float]) -> float | None:
        """This list's metric in an evaluation's metrics (0.0 is a value like any other)."""
        found = metrics.get(f"eval_{self.metric}", metrics.get(self.metric))
        return None if found is None else float(found)

    def offer(self, name: str, metric: float, step: int) -> bool:
        """Take a checkpoint into the list if it is good enough; True if it was."""
        others = [entry for entry in self.entries if entry.name != name]
        if metric != metric:  # NaN is never best
            self.entries = others
            return False
        entry = BestCheckpoint(name, metric, step)
        # Of two equal ones the earlier stays in front.
        ranked = sorted([*others, entry], key=self._rank)
        self.entries = ranked[: self.keep]
        return entry in self.entries

    def state_dict(self) -> dict[str, Any]:
        return {"entries": [asdict(entry) for entry in self.entries]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.entries = [BestCheckpoint(**entry) for entry in state_dict["entries"]]
        self.entries = sorted(self.entries, key=self._rank)[: self.keep]

    def _rank(self, entry: BestCheckpoint) -> tuple[float, int]:
        return (-entry.metric if self.greater_is_better else entry.metric, entry.step)


def to_delete(
    checkpoints: Iterable[tuple[int, Path]],
    *,
    newest: Path,
    keep_last: int | None,
    protected: Iterable[str] = (),
) -> list[Path]:
    """The checkpoints that may go now that ``newest`` is committed.

    Protected ones (the best) are kept on top of the ``keep_last`` last ones.
    """
    if keep_last is None or keep_last <= 0:
        return []
    kept_names = {newest.name, *protected}
    ordered = sorted(checkpoints, key=lambda item: item[0])
    kept_names.update(path.name for _, path in ordered[-keep_last:])
    return [path for _, path in ordered if path.name not in kept_names]
