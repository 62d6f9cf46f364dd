"""Eight builds at once make every step once, in one checkout and in two that share a cache."""

import pytest

from tests.integration import forked
from tests.integration.race import race


@pytest.mark.parametrize("checkouts", [1, 2])
def test_eight_builds_at_once_make_every_step_once(tmp_path, checkouts):
    forked.warm()
    assert race(tmp_path / "race", builds=8, checkouts=checkouts) == []
