"""What is said when a step was handed to a cluster and the build does not wait for it."""

from __future__ import annotations

from forgather.errors import ForgatherError


class Submitted(ForgatherError):
    """Not an error: the step is on its way, and what depends on it is for a later build."""

    exit_code = 0
