"""Random edits against builds from nothing, in small; the full count is benchmarks/soak_build.py's."""

import os

import pytest

from tests.integration import forked
from tests.integration.oracle import Soak

EDITS = int(os.environ.get("FORGATHER_EDITS", "300"))
SHARDS = 2  # in different processes, where tests run in parallel


@pytest.mark.parametrize("seed", range(SHARDS))
def test_no_edit_is_overlooked_and_nothing_is_made_twice(tmp_path, seed):
    forked.warm()
    soak = Soak(tmp_path, seed)
    problems = soak.check()
    for _ in range(EDITS // SHARDS):
        problems += soak.step()
        assert not problems, "\n".join(problems)
    assert soak.counts.is_good, "\n".join([*soak.counts.lines(), *soak.counts.over])
    assert len(soak.counts.repeated) <= 0.01 * sum(soak.counts.built.values()), soak.counts.repeated
