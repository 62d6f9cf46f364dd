"""How an error of ours travels through doit, which knows failures as texts."""

from __future__ import annotations

from doit.exceptions import TaskFailed

from forgather.errors import ForgatherError


class Failure(TaskFailed):
    """A task that failed with an error meant for the user; reporters find it whole in ``error``."""

    def __init__(self, error: ForgatherError) -> None:
        super().__init__(error.render())
        self.error = error
