"""How long one process may be kept waiting by a remote that does not keep up.

The budget is about time lost, not about time spent. A request is *worth* the seconds that its answer
spares; where nobody knows those, ``USEFUL_SECONDS`` and a second for every ``rate`` bytes that it moves.
One that brings what was asked for is charged what it took beyond that, and gives back what it saved, so
that a build with many hits and a few slow misses keeps its remote; the budget never grows past its start.
One that finds nothing may take ``MISS_SECONDS``; one that fails or brings wrong bytes, nothing at all.

So with a remote a process loses at most the budget against one without, however many requests it makes
and however the server misbehaves: silent, trickling, failing, far away or gone. (A transfer that breaks
off after it kept up costs the time it kept up for: nobody can know before.) Threads that wait side by
side each charge their own wait, which empties the budget sooner and never later.
"""

from __future__ import annotations

import threading
import time

USEFUL_SECONDS = 0.05
MISS_SECONDS = 0.005
MINIMUM_RATE = 1 << 20  # bytes per second


class Patience:
    """A budget in seconds."""

    def __init__(self, seconds: float) -> None:
        self.full = seconds
        self._left = seconds
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        return self._left

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    def take(self, seconds: float) -> None:
        """Charge ``seconds``; negative ones are given back."""
        with self._lock:
            if self._left > 0:  # what is over stays over
                self._left = min(self.full, self._left - seconds)


class Wait:
    """One request: until when it may go on, and what it has cost in the end.

    budgets: each is charged. worth: seconds that the answer spares; None where that is not known.
    rate: bytes per second that count as keeping up.
    """

    def __init__(
        self, *budgets: Patience, worth: float | None = None, rate: float = MINIMUM_RATE
    ) -> None:
        self._budgets = budgets
        self._granted = max(min(budget.left for budget in budgets), 0.0)
        self._worth = worth
        self._rate = rate
        self._began = time.monotonic()
        self.moved = 0  # bytes received or sent

    def seconds_left(self) -> float:
        """Time until this request must have made progress. Raises TimeoutError when it is over."""
        pace = USEFUL_SECONDS + self.moved / self._rate
        allowed = self._granted + (pace if self._worth is None else min(pace, self._worth))
        left = self._began + allowed - time.monotonic()
        if left <= 0:
            raise TimeoutError("it is too slow")
        return left

    def useful(self) -> None:
        spent = self._spent()
        if self._worth is None:
            spent, worth = max(spent - self.moved / self._rate, 0.0), USEFUL_SECONDS
        else:
            worth = self._worth
        self._charge(spent - worth)

    def missed(self) -> None:
        self._charge(max(self._spent() - MISS_SECONDS, 0.0))

    def failed(self) -> None:
        """A failure costs a quarter of a budget even if it was quick: the fourth is the last."""
        spent = self._spent()
        for budget in self._budgets:
            budget.take(max(spent, budget.full / 4))

    def _charge(self, seconds: float) -> None:
        for budget in self._budgets:
            budget.take(seconds)

    def _spent(self) -> float:
        return time.monotonic() - self._began
